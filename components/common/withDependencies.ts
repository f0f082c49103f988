import * as pulumi from "@pulumi/pulumi";

/**
 * Returns `value` as an output that also depends on `resources`. A resource that uses the output is created after
 * them, such as an instance after the permissions of its role.
 *
 * Pulumi's option `dependsOn` does the same for a whole resource. This puts the dependency beside the value, so that
 * no user of the value can forget it.
 *
 * @see https://www.pulumi.com/docs/iac/concepts/options/dependson/
 */
export function withDependencies<T>(
  value: pulumi.Input<T>,
  resources: pulumi.CustomResource[],
): pulumi.Output<T> {
  return pulumi.all([value, resources.map((resource) => resource.id)]).apply(([known]) => known as T);
}
