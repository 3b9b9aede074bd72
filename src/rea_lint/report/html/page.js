(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  // Light and dark: what the system says, until somebody says otherwise.
  const kept = (value) => {
    try {
      if (value) localStorage.setItem("rea-lint-theme", value);
      return localStorage.getItem("rea-lint-theme");
    } catch {
      return value; // a browser that keeps nothing for files
    }
  };
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  if (kept()) root.dataset.theme = kept();
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept(root.dataset.theme);
  });

  // A link to a rule's page unfolds it.
  const unfold = () => {
    const page = location.hash.startsWith("#page-") && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (page) page.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

  // On paper there is nothing to unfold.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("article details:not([open])")];
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
  });

  const form = document.getElementById("filters");
  if (!form) return;
  const search = document.getElementById("search");
  const findings = [...document.querySelectorAll("article")].map((at) => ({
    at,
    text: at.textContent.toLowerCase() + " " + at.dataset.file.toLowerCase(),
    handlers: at.dataset.handler.split("\n"),
  }));
  const files = [...document.querySelectorAll("section.file")];

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = new Set([...form.querySelectorAll("[name=severity]:checked")].map((box) => box.value));
    const { code, handler, file } = form.elements;
    let shown = 0;
    for (const { at, text, handlers } of findings) {
      const fits =
        severities.has(at.dataset.severity) &&
        (!code.value || at.dataset.code === code.value) &&
        (!handler.value || handlers.some((name) => name === handler.value || (handler.value.endsWith(".") && name.startsWith(handler.value)))) &&
        (!file.value || at.dataset.file === file.value) &&
        words.every((word) => text.includes(word));
      at.hidden = !fits;
      shown += fits;
    }
    for (const section of files) section.hidden = !section.querySelector("article:not([hidden])");
    document.getElementById("none").hidden = shown > 0;
    document.getElementById("count").value =
      shown === findings.length ? `${shown} findings` : `${shown} of ${findings.length} findings`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  for (const button of document.querySelectorAll(".pick")) {
    button.addEventListener("click", () => {
      form.elements[button.dataset.field].value = button.dataset.value;
      apply();
      form.scrollIntoView();
    });
  }

  // Keys: `/` searches, Escape shows all, j and k walk.
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") form.reset();
    else if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    } else if ((event.key === "j" || event.key === "k") && !typing) {
      const visible = findings.map((each) => each.at).filter((at) => !at.hidden);
      const now = visible.indexOf(document.activeElement.closest("article"));
      const next = visible[event.key === "j" ? now + 1 : Math.max(now - 1, 0)];
      if (next) {
        next.focus({ preventScroll: true });
        next.scrollIntoView({ block: "start" });
      }
    }
  });
  apply();
})();
