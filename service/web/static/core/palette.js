/** Colours and shapes of classes: both differ, so that none is told by its colour alone. */

/**
 * The ten accessible colours of Petroff (2021, arXiv 2107.02270), lightened where they are dark.
 * @type {Record<"dark" | "light", string[]>}
 */
const COLOURS = {
  dark: [
    "#5aa2f0",
    "#ffb22e",
    "#f0563f",
    "#b8c4c2",
    "#b577e0",
    "#cf9483",
    "#ff8a33",
    "#d6cd8c",
    "#8b93ad",
    "#92dadd",
  ],
  light: [
    "#2f78c4",
    "#c87800",
    "#bd1f01",
    "#5f6f6d",
    "#832db6",
    "#8a5244",
    "#d45500",
    "#857a2e",
    "#4b4f66",
    "#1f8f96",
  ],
};
const NEUTRAL = { dark: "#9aa4b5", light: "#5c6470" };

/** Each draws a shape of radius 1 around the origin. @type {((path: Path2D) => void)[]} */
const SHAPES = [
  (path) => path.arc(0, 0, 0.92, 0, 2 * Math.PI),
  (path) =>
    polygon(path, [
      [-0.8, -0.8],
      [0.8, -0.8],
      [0.8, 0.8],
      [-0.8, 0.8],
    ]),
  (path) =>
    polygon(path, [
      [0, -1.1],
      [1.05, 0.8],
      [-1.05, 0.8],
    ]),
  (path) =>
    polygon(path, [
      [0, -1.15],
      [1.15, 0],
      [0, 1.15],
      [-1.15, 0],
    ]),
  (path) => polygon(path, star(4, 0.42)),
  (path) =>
    polygon(path, [
      [-1.05, -0.8],
      [1.05, -0.8],
      [0, 1.1],
    ]),
  (path) => polygon(path, cross(0.34)),
  (path) => polygon(path, star(5, 0.45)),
  (path) => polygon(path, regular(6)),
  (path) => polygon(path, turned(cross(0.32))),
];

/** @param {Path2D} path @param {number[][]} corners */
function polygon(path, corners) {
  corners.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

/** @param {number} rays @param {number} inner */
function star(rays, inner) {
  return Array.from({ length: 2 * rays }, (_, i) => {
    const angle = (Math.PI * i) / rays - Math.PI / 2;
    const radius = i % 2 ? inner : 1.25;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}

/** @param {number} corners */
function regular(corners) {
  return Array.from({ length: corners }, (_, i) => [
    Math.cos((2 * Math.PI * i) / corners),
    Math.sin((2 * Math.PI * i) / corners),
  ]);
}

/** @param {number} half */
function cross(half) {
  const [a, b] = [half, 1.05];
  return [
    [-a, -b],
    [a, -b],
    [a, -a],
    [b, -a],
    [b, a],
    [a, a],
    [a, b],
    [-a, b],
    [-a, a],
    [-b, a],
    [-b, -a],
    [-a, -a],
  ];
}

/** @param {number[][]} corners */
function turned(corners) {
  return corners.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
}

/** Whether the page is dark now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/**
 * Return the colour of a class.
 * @param {number} index its place among the model's classes; -1 of a label that is none of them
 */
export function colourOf(index) {
  const theme = isDark() ? "dark" : "light";
  return index < 0 ? NEUTRAL[theme] : COLOURS[theme][index % COLOURS[theme].length];
}

/**
 * Return red, green and blue of a colour.
 * @param {string} colour `#` and six hexadecimal digits
 * @returns {number[]}
 */
export function channelsOf(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/**
 * Return the shape of a class, of radius 1 around the origin.
 * @param {number} index
 */
export function shapeOf(index) {
  const path = new Path2D();
  // The eleventh class has the first's colour and another's shape.
  SHAPES[index < 0 ? 0 : (index + 3 * Math.floor(index / SHAPES.length)) % SHAPES.length](path);
  return path;
}
