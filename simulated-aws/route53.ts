import { digest, Functions, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:route53/record:Record": ({ inputs }) => {
    const name = requiredText(inputs, "name");
    return {
      id: `${requiredText(inputs, "zoneId")}_${name}_${requiredText(inputs, "type")}`,
      outputs: { fqdn: name },
    };
  },
};

export const functions: Functions = {
  "aws:route53/getZone:getZone": ({ name }) => {
    if (typeof name !== "string") throw new Error("getZone needs a name: other arguments are not simulated");
    const id = zoneIdOf(name);
    return { id, zoneId: id, name, privateZone: false };
  },
};

/** Returns the id of the hosted zone of a domain. */
export function zoneIdOf(name: string): string {
  return `Z${digest(name, 20).toUpperCase()}`;
}
