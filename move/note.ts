import type { PlainSettings } from "../settings/rules";
import type { Existing } from "./existing";

/**
 * The group of a note in the report:
 * - taken over: the new platform has it as the existing one has it
 * - changes: the new platform has it otherwise
 * - decide: somebody must choose or check it
 * - unknown: neither this program nor Iaso's contract knows it, or AWS did not show it
 */
export type Kind = "taken over" | "changes" | "decide" | "unknown";

/** An observation about the existing platform. It never contains the value of a secret. */
export interface Note {
  kind: Kind;
  /** The thing and its place, in one sentence. */
  what: string;
  /** The reason or the consequence. */
  why?: string;
  /** The command, or the line to write, for a decision. */
  fix?: string;
}

/** Values of settings, as they stand in the stack's file. */
export type Settings = { [Key in keyof PlainSettings]?: string | number | boolean | readonly string[] };

/** The settings and the notes that follow from one part of the existing platform. */
export interface Judgement {
  settings?: Settings;
  notes: Note[];
  /** Mail servers that the policy pack must know. */
  mailDomains?: string[];
  /** Host names of the existing platform for which the new one has certificates. */
  existingHosts?: string[];
}

/** A part of the existing platform. */
export interface Part {
  /** @param set Returns the command that changes a setting, such as `pulumi config set --stack STACK iaso:KEY VALUE`. */
  judge: (existing: Existing, set: (setting: keyof PlainSettings) => string) => Judgement;
}
