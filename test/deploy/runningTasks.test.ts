import { expect } from "chai";
import { type Report } from "../../deploy/output/report";
import { type TaskPolicy } from "../../deploy/runningTasks";
import { AwsDouble, ENV } from "./double/aws";
import { VirtualClock } from "./double/clocks";
import { builtVersion, deployment, runDirect, silentProgress } from "./double/runs";
import { serve } from "./double/server";

const { build } = builtVersion();

async function deployWith(
  inFlight: number[],
  runningTasks: TaskPolicy,
  token?: string,
  webHost = "127.0.0.1",
) {
  const double = new AwsDouble();
  double.addPair();
  double.tasksInFlight = inFlight;
  double.runningTasks = [{ id: 41, name: "copy_version", started_at: 1 }];
  const running = await serve(double);
  double.describeTarget(running.url);
  const name = `/iaso/${ENV}/deployment`;
  const parameter = JSON.parse(double.parameters.get(name)!) as { webUrl: string };
  parameter.webUrl = parameter.webUrl.replace("127.0.0.1", webHost);
  double.parameters.set(name, JSON.stringify(parameter));
  process.env["AWS_ENDPOINT_URL_SQS"] = running.url;
  if (token !== undefined) double.parameters.set(`/iaso-secrets/${ENV}/DEPLOY_API_TOKEN`, token);
  const lines: string[] = [];
  try {
    const progress = silentProgress(new VirtualClock(double.time), lines);
    const report = (await runDirect(
      double,
      deployment(build, { runningTasks }),
      { progress },
      "shortcut",
    )) as Report;
    return { double, report, output: lines.join("\n") };
  } finally {
    delete process.env["AWS_ENDPOINT_URL_SQS"];
    await running.stop();
  }
}

describe("deploy/runningTasks", () => {
  it("waits until they have ended", async () => {
    const { double, output, report } = await deployWith([2, 1, 0], "wait", "a-token");
    expect(report.outcome).to.equal("deployed");
    expect(output).to.contain("Waiting: 2 background tasks run: copy_version (task 41)");
    expect(output).not.to.contain("a-token");
    expect(double.calls.filter(({ operation }) => operation === "GetQueueAttributes")).to.have.length(3);
  });

  it("stops waiting after the time limit, with both environments unchanged", async () => {
    const { double, report } = await deployWith([1], "wait");
    expect(report.outcome).to.equal("refused");
    expect(report.summary).to.equal(
      "1 background task runs after 15 min. A deployment would interrupt them.",
    );
    expect(double.web.updates).to.deep.equal([]);
  });

  it("refuses at once if requested", async () => {
    const { double, report } = await deployWith([1], "refuse");
    expect(report).to.deep.include({
      outcome: "refused",
      summary: "1 background task runs. A deployment would interrupt them.",
    });
    expect(report.remedy).to.contain("--running-tasks interrupt");
    expect(double.web.updates).to.deep.equal([]);
  });

  it("sends the token to no host but the stack's Iaso, whatever the SSM parameter names", async () => {
    const { output, report } = await deployWith([1, 0], "wait", "a-token", "localhost");
    expect(report.outcome).to.equal("deployed");
    expect(output).to.match(
      /1 background task runs \(localhost:\d+ is not webHost of Pulumi\.staging\.yaml\)/,
    );
  });

  it("continues if requested, and lists the tasks that stay RUNNING", async () => {
    const { output, report } = await deployWith([1], "interrupt", "a-token");
    expect(report.outcome).to.equal("deployed");
    expect(output).to.contain(
      "copy_version (task 41). They are interrupted and stay RUNNING in Iaso forever.",
    );
  });
});
