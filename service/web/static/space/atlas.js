/** The encodings of the test pictures, with their labels. */

/** @typedef {{index: number, label: number, distance: number}} Neighbour */

/** Points of latent space, row after row, and a label each. */
export class Atlas {
  /**
   * @param {Float32Array} points
   * @param {Int32Array} labels
   * @param {number} dim
   */
  constructor(points, labels, dim) {
    this.points = points;
    this.labels = labels;
    this.dim = dim;
    this.count = labels.length;
  }

  /** @param {number} index @returns {number[]} */
  at(index) {
    return Array.from(this.points.subarray(index * this.dim, (index + 1) * this.dim));
  }

  /**
   * Return the points nearest to a vector, the nearest first.
   * @param {ArrayLike<number>} z
   * @param {number} count
   * @param {number} [among] only so many of the points are looked at, the first ones
   * @returns {Neighbour[]}
   */
  nearest(z, count, among = this.count) {
    /** @type {Neighbour[]} */
    const best = [];
    let worst = Infinity;
    const last = Math.min(among, this.count);
    for (let index = 0; index < last; index++) {
      let square = 0;
      for (let i = 0, at = index * this.dim; i < this.dim && square < worst; i++, at++)
        square += (this.points[at] - z[i]) ** 2;
      if (square >= worst) continue;
      best.push({ index, label: this.labels[index], distance: square });
      best.sort((a, b) => a.distance - b.distance);
      best.length = Math.min(best.length, count);
      if (best.length === count) worst = best[count - 1].distance;
    }
    return best.map((found) => ({
      ...found,
      distance: Math.sqrt(found.distance),
    }));
  }

  /**
   * Return the mean of some of the points.
   * @param {Iterable<number>} indices
   * @returns {number[] | null} null of none
   */
  mean(indices) {
    const sum = new Array(this.dim).fill(0);
    let count = 0;
    for (const index of indices) {
      for (let i = 0; i < this.dim; i++) sum[i] += this.points[index * this.dim + i];
      count++;
    }
    return count ? sum.map((value) => value / count) : null;
  }

  /**
   * Return the point of a label that is nearest to the mean of all of them.
   * @param {number} label
   * @returns {number[] | null} null if no point has the label
   */
  typical(label) {
    const indices = this.ofLabel(label);
    const mean = this.mean(indices);
    if (!mean) return null;
    const distance = (/** @type {number} */ index) =>
      this.at(index).reduce((sum, value, i) => sum + (value - mean[i]) ** 2, 0);
    return this.at(indices.reduce((best, index) => (distance(index) < distance(best) ? index : best)));
  }

  /**
   * Return the indices of the points of a label.
   * @param {number} label
   */
  ofLabel(label) {
    return Array.from(this.labels.keys()).filter((index) => this.labels[index] === label);
  }
}

/**
 * Return how sure neighbours are of each label, the surest first; nearer ones count more.
 * @param {Neighbour[]} neighbours
 * @returns {{label: number, share: number}[]}
 */
export function vote(neighbours) {
  /** @type {Map<number, number>} */
  const weights = new Map();
  for (const { label, distance } of neighbours)
    weights.set(label, (weights.get(label) ?? 0) + 1 / (distance + 0.05));
  const sum = [...weights.values()].reduce((total, weight) => total + weight, 0);
  return [...weights]
    .map(([label, weight]) => ({ label, share: weight / sum }))
    .sort((a, b) => b.share - a.share);
}
