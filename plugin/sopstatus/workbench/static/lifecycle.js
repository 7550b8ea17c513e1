// The arrow of a label that has the focus, or is under the pointer, stands out.

export function followArrows() {
  const arrows = new Map([...document.querySelectorAll("path.step")].map((path) => [`#${path.dataset.step}`, path]));
  for (const label of document.querySelectorAll("a.step")) {
    const arrow = arrows.get(label.getAttribute("href"));
    const mark = (on) => () => arrow?.classList.toggle("chosen", on);
    for (const event of ["mouseenter", "focus"]) label.addEventListener(event, mark(true));
    for (const event of ["mouseleave", "blur"]) label.addEventListener(event, mark(false));
  }
}
