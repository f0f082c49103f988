import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Document, isMap, isSeq, parseDocument } from "yaml";
import { didYouMean } from "../cli/nearest";
import { listStackFiles } from "../cli/stackFiles";
import { UserError } from "../cli/userError";

/** The settings file of a stack, `Pulumi.STACK.yaml` in the current folder. Changes keep its comments and order. */
export class StackFile {
  readonly file: string;
  private readonly project: Document;
  private readonly document: Document;

  /** @throws UserError if the file is missing, most likely because of a typo, or is not YAML */
  constructor(readonly stack: string) {
    const stacks = listStackFiles(".");
    this.file = `Pulumi.${stack}.yaml`;
    if (!stacks.includes(stack)) {
      throw new UserError(
        `There are no settings for the stack ${stack}: ${this.file} is missing.${didYouMean(stack, stacks)}`,
        `Use one of the stacks with settings: ${stacks.join(", ")}. To add one: npm run add-environment -- ${stack} --from STACK`,
      );
    }
    this.project = read("Pulumi.yaml");
    this.document = read(this.file);
  }

  /** The value of a setting, or its default in Pulumi.yaml; undefined if it has neither. */
  get(setting: string): string | undefined {
    const value = this.value(setting);
    return typeof value === "string" ? value : undefined;
  }

  /** The name of the environment: the setting `env`, or the name of the stack. */
  get env(): string {
    return this.get("env") || this.stack;
  }

  /** The value of a setting that is a list of texts, or its default in Pulumi.yaml; empty if it has neither. */
  getList(setting: string): string[] {
    const list = this.value(setting);
    return isSeq(list) ? list.toJSON().map(String) : [];
  }

  /** True if a setting is true, in the file or by default. */
  isTrue(setting: string): boolean {
    // Pulumi writes booleans as text.
    return String(this.value(setting)) === "true";
  }

  /** True if the file itself has a value for a setting, encrypted or not. */
  has(setting: string): boolean {
    return this.document.hasIn(["config", this.key(setting)]);
  }

  /** Sets settings, removes those that are undefined, and writes the file. */
  set(values: Readonly<Record<string, string | undefined>>): void {
    if (!isMap(this.document.get("config"))) this.document.set("config", this.document.createNode({}));
    for (const [setting, value] of Object.entries(values)) {
      if (value === undefined) this.document.deleteIn(["config", this.key(setting)]);
      else this.document.setIn(["config", this.key(setting)], value);
    }
    writeFileSync(this.file, this.document.toString({ lineWidth: 0, flowCollectionPadding: false }));
  }

  private value(setting: string): unknown {
    return (
      this.document.getIn(["config", this.key(setting)]) ?? this.project.getIn(["config", setting, "default"])
    );
  }

  /** The full key of a setting. */
  key(setting: string): string {
    return `${String(this.project.get("name"))}:${setting}`;
  }
}

/**
 * The text of the settings file of a new stack.
 *
 * @param comment Its first line.
 * @param settings Values by the names of the settings.
 */
export function newStackFile(comment: string, settings: Readonly<Record<string, unknown>>): string {
  const project = String(read("Pulumi.yaml").get("name"));
  const config = Object.fromEntries(
    Object.entries(settings).map(([setting, value]) => [`${project}:${setting}`, value]),
  );
  const document = new Document({ config });
  document.commentBefore = ` ${comment}`;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The AWS region of a stack: the one of its file. Without a file, that of the environment variable AWS_REGION. */
export function regionOf(stack: string): string {
  const region = existsSync(`Pulumi.${stack}.yaml`) ? new StackFile(stack).get("region") : undefined;
  return region ?? process.env["AWS_REGION"] ?? "eu-central-1";
}

/** The host of Iaso in a stack's file; undefined without a file. */
export function webHostOf(stack: string): string | undefined {
  return existsSync(`Pulumi.${stack}.yaml`) ? new StackFile(stack).get("webHost") : undefined;
}

function read(file: string): Document {
  const document = parseDocument(readFileSync(file, "utf8"));
  const [error] = document.errors;
  if (error !== undefined) throw new UserError(`${file} is not valid YAML: ${error.message}`);
  // An empty file has no map to set a value in.
  return document.contents === null ? new Document({}) : document;
}
