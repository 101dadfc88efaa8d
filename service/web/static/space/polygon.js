/**
 * Return the indices of the places inside a polygon.
 * @param {Float32Array} places x and y in turn
 * @param {[number, number][]} corners
 * @returns {number[]}
 */
export function inside(places, corners) {
  const found = [];
  for (let i = 0; i < places.length / 2; i++)
    if (contains(corners, places[2 * i], places[2 * i + 1])) found.push(i);
  return found;
}

/**
 * Whether a polygon holds a place: a ray from there crosses its sides an odd number of times.
 * @param {[number, number][]} corners
 * @param {number} x
 * @param {number} y
 */
function contains(corners, x, y) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [[x1, y1], [x2, y2]] = [corners[i], corners[j]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd = !odd;
  }
  return odd;
}
