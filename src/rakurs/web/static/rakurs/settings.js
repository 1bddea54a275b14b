// Which fields of a person matter? Those of the chosen scope; the others step aside.

function showScope(choice) {
  for (const field of choice.form.querySelectorAll("[data-scope-of]")) {
    field.hidden = field.dataset.scopeOf !== choice.value;
  }
}

for (const choice of document.querySelectorAll("[data-scope]")) {
  choice.addEventListener("change", () => showScope(choice));
  showScope(choice);
}
