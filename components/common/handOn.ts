import * as pulumi from "@pulumi/pulumi";

/**
 * A value that is handed on once all of `resources` exist, so that whoever uses it waits for them too: a bucket's
 * name once its policy is in force, a role's once its rights are attached.
 */
export function handOnAfter<T>(value: pulumi.Input<T>, resources: pulumi.CustomResource[]): pulumi.Output<T> {
  return pulumi.all([value, resources.map((resource) => resource.id)]).apply(([known]) => known as T);
}
