import { PreviewResource } from "../../graph/document";

/** Seconds that the creation of a resource takes. */
export type CreationTime = (resource: PreviewResource) => number;

const MINUTE = 60;

/** Rough times of AWS by resource type; everything else takes five seconds. */
const SECONDS_BY_TYPE: Record<string, number> = {
  "aws:rds/instance:Instance": 10 * MINUTE,
  "aws:elasticbeanstalk/environment:Environment": 6 * MINUTE,
  "aws:cloudfront/distribution:Distribution": 5 * MINUTE,
  "aws:elasticache/replicationGroup:ReplicationGroup": 8 * MINUTE,
  "aws:ec2/natGateway:NatGateway": 2 * MINUTE,
  "aws:acm/certificateValidation:CertificateValidation": 3 * MINUTE,
  "command:local:Command": 45 * MINUTE,
};

export const creationTime: CreationTime = ({ type, custom }) => {
  if (!custom || type.startsWith("pulumi:")) return 0;
  return SECONDS_BY_TYPE[type] ?? 5;
};

/** The longest chain of creations, each of which waits for the one before. */
export interface CriticalPath {
  seconds: number;
  /** Names of the resources on the chain, in order of creation. */
  chain: string[];
}

/** How long `pulumi up` takes where everything that waits for nothing runs at once. */
export function makespan(resources: PreviewResource[], time: CreationTime = creationTime): CriticalPath {
  return longestPath(resources, time, (resource) => resource.dependencies);
}

/** How long it would take if each resource waited only for those whose outputs it uses. */
export function dataMakespan(resources: PreviewResource[], time: CreationTime = creationTime): CriticalPath {
  return longestPath(resources, time, (resource) => Object.values(resource.propertyDependencies).flat());
}

/** A resource that waits for another one without using its output. */
export interface ExistenceEdge {
  from: PreviewResource;
  to: PreviewResource;
}

export function existenceEdges(resources: PreviewResource[]): ExistenceEdge[] {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  return resources.flatMap((from) => {
    const used = new Set(Object.values(from.propertyDependencies).flat());
    return from.dependencies.flatMap((urn) => {
      const to = byUrn.get(urn);
      return to === undefined || used.has(urn) || !to.custom ? [] : [{ from, to }];
    });
  });
}

function longestPath(
  resources: PreviewResource[],
  time: CreationTime,
  waitsFor: (resource: PreviewResource) => string[],
): CriticalPath {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const finished = new Map<string, CriticalPath>();
  const finish = (resource: PreviewResource): CriticalPath => {
    const known = finished.get(resource.urn);
    if (known !== undefined) return known;
    const before = waitsFor(resource)
      .flatMap((urn) => byUrn.get(urn) ?? [])
      .map(finish)
      .reduce<CriticalPath>((longest, path) => (path.seconds > longest.seconds ? path : longest), none);
    const own = time(resource);
    const chain = own > 0 ? [...before.chain, resource.name] : before.chain;
    const path = { seconds: before.seconds + own, chain };
    finished.set(resource.urn, path);
    return path;
  };
  return resources
    .map(finish)
    .reduce((longest, path) => (path.seconds > longest.seconds ? path : longest), none);
}

const none: CriticalPath = { seconds: 0, chain: [] };
