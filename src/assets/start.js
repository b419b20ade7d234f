// Starts the program. A file of its own, because the page's content security policy forbids inline scripts.
// Reload works without the program, because it is offered when the program has stopped.
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-reload]")) location.reload();
});

const starting = document.getElementById("starting");
try {
  const { default: init } = await import(document.getElementById("program-glue").href);
  await init({ module_or_path: document.getElementById("program").href });
  starting.remove();
} catch (error) {
  starting.textContent = `Moorline could not start: ${error}. Reload the page; if that does not help, use a newer browser.`;
  throw error;
}
