import { type Route53Client } from "@aws-sdk/client-route-53";
import { type Clients } from "../../coordination/clients";
import { type HeldLock } from "../../coordination/lock";
import { type Session as DeploySession } from "../../deploy/session";
import { type CutoverRecord, type ExistingSide } from "./record";
import { type ReachArgs } from "./reach";
import { type Zones } from "./records";

/** A request to Iaso, and the answer to it. */
export type Request = (
  url: URL,
  init?: { method?: string; headers?: Record<string, string>; body?: string },
) => Promise<{ status: number; text: string }>;

/** The stack, the clients of both platforms, and what else a cutover works with. */
export interface Session extends DeploySession {
  stack: string;
  confirm: (question: string) => Promise<boolean>;
  show: (lines: readonly string[]) => void;
  /** Clients for the region of the existing Iaso, which is in the same account. */
  existingClients: (region: string) => Clients;
  route53: Route53Client;
  /** The hosted zones, read when they are needed. */
  zones: () => Promise<Zones>;
  /** Checks that media can be copied. Throws UserError if not. */
  checkMedia: (bucket: ExistingSide["bucket"]) => Promise<void>;
  /** Copies the media that the new bucket lacks, and returns the result in words. Throws UserError if some are missing. */
  copyMedia: (bucket: ExistingSide["bucket"]) => Promise<string[]>;
  request: Request;
  reach: (args: ReachArgs) => Promise<number>;
  /** A user of Iaso with whom the new platform is checked; undefined if nobody was named. */
  user: { name: string; password: string } | undefined;
  /** Gives the stack the host names of the existing Iaso in its settings. */
  takeHosts: (record: CutoverRecord) => void;
}

export type LockedSession = Session & { lock: HeldLock };

/** A session whose load balancer, queue and instances are those of the existing platform. */
export function onExisting<S extends Session>(session: S, existing: ExistingSide): S {
  const { clients, target } = session;
  const { loadBalancing, rds, sqs, ssm } = session.existingClients(existing.region);
  return {
    ...session,
    clients: { ...clients, loadBalancing, rds, sqs, ssm },
    target: { ...target, platform: existing.platform, queueUrl: existing.queue?.url ?? "" },
  };
}
