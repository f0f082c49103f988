/** The steps of a run, with the time that each took. */
export class Steps {
  private readonly rows: { name: string; seconds: number }[] = [];
  private readonly began = Date.now();

  /** Runs a step, and says its name and its time. */
  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const began = Date.now();
    try {
      const result = await step();
      const seconds = (Date.now() - began) / 1000;
      this.rows.push({ name, seconds });
      console.log(`ok   ${seconds.toFixed(1).padStart(6)} s  ${name}`);
      return result;
    } catch (error) {
      console.log(`FAIL ${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${name}`);
      throw error;
    }
  }

  /** The sum of the steps whose name begins with a text, in seconds. */
  total(prefix: string): number {
    return this.rows
      .filter(({ name }) => name.startsWith(prefix))
      .reduce((sum, { seconds }) => sum + seconds, 0);
  }

  get count(): number {
    return this.rows.length;
  }

  get seconds(): number {
    return (Date.now() - this.began) / 1000;
  }
}
