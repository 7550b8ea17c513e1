// Copy buttons on code, links on headings, and everything unfolded on paper. Without it the page reads the same.
(function () {
  function said(button, text) {
    var before = button.textContent;
    button.textContent = text;
    setTimeout(function () { button.textContent = before; }, 1500);
  }
  document.querySelectorAll("pre").forEach(function (block) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", function () {
      var text = block.querySelector("code").textContent;
      if (navigator.clipboard) {
        navigator.clipboard.writeText(text).then(function () { said(button, "Copied"); }, function () { said(button, "Not allowed"); });
      } else {
        var area = document.createElement("textarea");
        area.value = text;
        document.body.appendChild(area);
        area.select();
        said(button, document.execCommand("copy") ? "Copied" : "Not allowed");
        area.remove();
      }
    });
    block.parentNode.classList.contains("code") && block.parentNode.appendChild(button);
  });
  document.querySelectorAll("h2[id], h3[id]").forEach(function (heading) {
    var link = document.createElement("a");
    link.className = "deep";
    link.href = "#" + heading.id;
    link.setAttribute("aria-label", "Link to this section");
    link.textContent = "#";
    heading.appendChild(link);
  });
  function reachable() { // what scrolls sideways, by the keyboard too
    document.querySelectorAll(".wide, .picture").forEach(function (block) {
      if (block.scrollWidth > block.clientWidth) { block.tabIndex = 0; } else { block.removeAttribute("tabindex"); }
    });
  }
  addEventListener("resize", reachable);
  reachable();
  function unfold() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") { node.open = true; }
    }
    if (target) { target.scrollIntoView(); }
  }
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (one) { one.open = true; });
  });
})();
