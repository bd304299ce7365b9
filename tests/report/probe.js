// Run inside the report by the test; its value is a promise of what it found.
(() => {
const inside = (inner, outer) =>
  inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
const overlap = (a, b) =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
const rectangle = (element) => element.getBoundingClientRect();

const plotFindings = (box) => {
  const frame = rectangle(box);
  const labels = ["x", "y"].map((axis) => [...box.querySelectorAll(`.${axis}tick text`)]);
  const crowded = labels.some((texts) => texts.some((one, i) => texts.slice(i + 1).some((other) => overlap(rectangle(one), rectangle(other)))));
  const clipped = [...box.querySelectorAll("svg text")].filter((text) => text.textContent && rectangle(text).width > 1 && !inside(rectangle(text), frame)).map((text) => text.textContent);
  return {
    figure: box.closest(".figure").id,
    state: box.dataset.state,
    traces: (box.data || []).length,
    points: (box.data || []).reduce((sum, trace) => sum + (trace.x || trace.values || []).length, 0),
    marks: box.querySelectorAll(".plot .trace path, .barlayer path, .scatterlayer path, .scatterlayer text, .icicle path, .slice path").length,
    fits: Math.abs(box.querySelector(".main-svg").clientWidth - box.clientWidth) <= 1,
    crowded,
    clipped,
  };
};

const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

const pressLegends = () => {
  const silent = [];
  for (const button of document.querySelectorAll(".legend button")) {
    const boxes = [...button.closest(".figure").querySelectorAll(".plot")];
    const hidden = () => boxes.reduce((sum, box) => sum + box.data.filter((trace) => trace.visible === false).length, 0);
    const members = boxes.reduce((sum, box) => sum + box.data.filter((trace) => trace.legendgroup === button.dataset.group).length, 0);
    button.click();
    if (hidden() !== members) silent.push(button.textContent);
    button.click();
    if (hidden() !== 0) silent.push(button.textContent);
  }
  return silent;
};

const openTables = async () => {
  const blobs = [];
  URL.createObjectURL = (blob) => (blobs.push(blob), "blob:kept");
  HTMLAnchorElement.prototype.click = () => {};
  const figures = [...document.querySelectorAll(".figure")].filter((figure) => figure.querySelector(".csv"));
  for (const figure of figures) {
    figure.querySelector("details").open = true;
    figure.querySelector(".csv").click();
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  const texts = await Promise.all(blobs.map((blob) => blob.text()));
  return figures.map((figure, index) => ({
    figure: figure.id,
    rows: figure.querySelectorAll(".tools tbody tr").length,
    csv: texts[index].trimEnd().split("\r\n").length - 1,
  }));
};

const search = () => {
  const find = document.getElementById("find");
  find.value = "published parameter_3";
  find.dispatchEvent(new Event("input"));
  return [...document.querySelectorAll("#parameter-table tbody tr")].filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
};

const drawn = async () => {
  while (document.documentElement.dataset.figures !== "drawn") await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)));
};

return drawn().then(async () => ({
  width: innerWidth,
  overflow: overflow(),
  plots: [...document.querySelectorAll(".plot")].map(plotFindings),
  silent: pressLegends(),
  tables: await openTables(),
  found: search(),
  overflowWithTables: overflow(),
}));
})()
