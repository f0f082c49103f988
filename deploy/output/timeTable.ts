import { type StepTime } from "../../cli/progress";

/** The shortest step that has a line of its own, in milliseconds. */
const SHOWN = 1000;

/** Formats the times of a run as lines: each step with its seconds and its share, and the parts of a step below it. */
export function formatTimes(times: readonly StepTime[], total: number): string[] {
  const rows = times.filter(({ milliseconds }) => milliseconds >= SHOWN);
  if (rows.length === 0) return [];
  const steps = rows.filter(({ isPart }) => isPart !== true);
  const rest = total - steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const all = rest >= SHOWN ? [...rows, { title: "everything else", milliseconds: rest }] : rows;
  const line = ({ isPart, milliseconds, title }: StepTime): string => {
    const seconds = (milliseconds / 1000).toFixed(0).padStart(6);
    const share = `${Math.round((100 * milliseconds) / total)} %`.padStart(6);
    return `${seconds} s ${share}  ${isPart === true ? "  " : ""}${title}`;
  };
  return ["Where the time went:", ...all.map(line)];
}
