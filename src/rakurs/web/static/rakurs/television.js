// A dashboard on a wall: the next one after so many seconds, a clock, the whole screen on request. A new page each
// time, so that a screen left on for months holds no more than one page.

const stage = document.querySelector(".television");
const clock = stage.querySelector(".clock");

function tick() {
  clock.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" }).format();
}
tick();
setInterval(tick, 5_000);

setTimeout(function turn() {
  // Somebody is choosing what to show: wait for them.
  if (stage.querySelector("details[open]")) setTimeout(turn, 5_000);
  else location.replace(stage.dataset.following);
}, Number(stage.dataset.seconds) * 1_000);

stage.querySelector("[data-fullscreen]").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
});
