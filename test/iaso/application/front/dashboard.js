fetch("/api/forms/")
  .then((response) => response.json())
  .then(({ forms }) => {
    document.querySelector("main").textContent = `${forms.length} forms`;
  });
