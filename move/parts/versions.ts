import { isEnding } from "../../settings/platform";
import { platformVersionOf } from "../../policies/facts/platformBranches";
import type { Note, Part, Settings } from "../note";

export const platform: Part = {
  judge: ({ platforms, web, worker }, set) => {
    const branch = platformVersionOf(web.platform)?.branch ?? web.platform;
    const runsDocker = /docker/i.test(branch);
    const settings: Settings = { platform: runsDocker ? "docker" : "python" };
    for (const { recommended, setting } of platforms)
      if (recommended !== undefined) settings[setting] = recommended;
    const pinned = String(runsDocker ? settings.dockerSolutionStack : settings.pythonSolutionStack);
    const notes: Note[] = [];
    if (!runsDocker && !/python/i.test(branch)) {
      notes.push({
        kind: "decide",
        what: `${web.name} runs on ${branch}, which is neither Beanstalk's Python nor its Docker platform.`,
        fix: set("platform"),
      });
    }
    for (const environment of worker === undefined ? [web] : [web, worker]) {
      if (environment.platform === pinned) continue;
      notes.push({
        kind: "changes",
        what: `${environment.name} runs on ${environment.platform}. The new one runs on ${pinned}.`,
        why: "AWS gives new environments the newest versions of a platform only.",
      });
    }
    const ending = platforms.filter(({ state }) => isEnding(state));
    return {
      settings,
      notes: [
        ...notes,
        ...ending.map(({ branch: name }): Note => ({
          kind: "decide",
          what: `AWS ends the platform branch ${name}.`,
          fix: set(runsDocker ? "dockerSolutionStack" : "pythonSolutionStack"),
        })),
      ],
    };
  },
};

export const versions: Part = {
  judge: ({ web, worker }) => ({
    notes:
      worker === undefined || worker.version === web.version
        ? [
            {
              kind: "taken over",
              what: `The version ${web.version ?? "?"} runs. Deploy it to the new platform first.`,
            },
          ]
        : [
            {
              kind: "decide",
              what: `${web.name} runs the version ${web.version ?? "?"}, and ${worker.name} ${worker.version ?? "?"}.`,
              why: "Both work on one database: the new platform runs one version on both. Choose one that contains the migrations of the newer one.",
            },
          ],
  }),
};

export const worker: Part = {
  judge: ({ queue, web, worker: existing }) => {
    const notes: Note[] = [];
    if (existing === undefined) {
      notes.push({
        kind: "changes",
        what: "The existing Iaso has no worker environment. The new one has.",
        why: "Iaso runs imports, exports and bulk updates there.",
      });
    } else if (existing.queueUrl === undefined) {
      notes.push({
        kind: "changes",
        what: `The worker ${existing.name} has no queue. The new one has.`,
        why: "Its tasks never ran.",
      });
    } else if (existing.queueUrl !== web.variables["BEANSTALK_SQS_URL"]) {
      notes.push({
        kind: "changes",
        what: `${web.name} does not send tasks to the queue that ${existing.name} reads. On the new platform it does.`,
        why: "Without BEANSTALK_SQS_URL, Iaso sends its tasks to the vendor's queue.",
      });
    }
    if (queue !== undefined && queue.messages > 0) {
      notes.push({
        kind: "decide",
        what: `${queue.messages} tasks wait in the queue.`,
        why: "They stay behind: let the worker finish them before the last snapshot.",
      });
    }
    if (queue !== undefined && !queue.hasDeadLetterQueue) {
      notes.push({
        kind: "changes",
        what: "The queue has no dead-letter queue. The new one has, with an alarm.",
        why: "A task that always fails disappears unseen.",
      });
    }
    if (queue !== undefined && !queue.isEncrypted) {
      notes.push({ kind: "changes", what: "The queue is not encrypted. The new one is." });
    }
    return { notes };
  },
};
