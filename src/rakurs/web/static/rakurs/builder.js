// What does the builder need beyond its form? After an answer its boxes say what the server says: a picked thing has
// become a token, and the box it was picked with must not pick it again.

document.addEventListener("htmx:after:swap", () => {
  for (const box of document.querySelectorAll("#builder :is([type=checkbox], [type=radio])")) {
    box.checked = box.defaultChecked;
  }
});
