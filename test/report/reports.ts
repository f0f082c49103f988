import { PreviewDocument, PreviewResource } from "../../graph/document";
import { costsOf } from "../../report/costs/costs";
import { StackReport } from "../../report/report";

/** A report as it is without settings and rules. */
export const reportOn = (document: PreviewDocument, more: Partial<StackReport> = {}): StackReport => ({
  document,
  warnings: [],
  settings: [],
  rules: [],
  costs: costsOf(document),
  ...more,
});

/** The stack with parts, queues and buckets added until there are as many resources. */
export function withResources(document: PreviewDocument, many: number): PreviewDocument {
  const { resources } = document;
  const [stack] = resources as [PreviewResource];
  const urnOf = (index: number) => `urn:pulumi:prod::iaso::more::${index}`;
  const more = Array.from({ length: many - resources.length }, (_, index): PreviewResource => {
    const isComponent = index % 10 === 0;
    return {
      ...stack,
      urn: urnOf(index),
      type: isComponent
        ? "iaso:index:More"
        : index % 2 === 0
          ? "aws:sqs/queue:Queue"
          : "aws:s3/bucket:Bucket",
      name: `more-${index}`,
      parent: isComponent ? stack.urn : urnOf(index - (index % 10)),
      custom: !isComponent,
    };
  });
  return { ...document, resources: [...resources, ...more] };
}
