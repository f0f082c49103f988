import { digest, ResourceTypes, requiredText } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:lb/listener:Listener": ({ inputs, name }) => {
    const balancer = requiredText(inputs, "loadBalancerArn");
    const id = `${balancer.replace(":loadbalancer/", ":listener/")}/${digest(name, 16)}`;
    return { id, outputs: { arn: id } };
  },
};
