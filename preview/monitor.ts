import { InvokeResponse } from "@pulumi/pulumi/proto/provider_pb";
import {
  ReadResourceRequest,
  RegisterPackageResponse,
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
  RegisterResourceResponse,
  ResourceInvokeRequest,
  SupportsFeatureRequest,
} from "@pulumi/pulumi/proto/resource_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { callFunction, createResource } from "../simulated-aws";
import { AccountRegion } from "../simulated-aws/model";
import { PreviewResource, Properties } from "../graph/document";
import { mapProperties, reveal, secretPaths, show, wrapSecret } from "../graph/engineValues";

type Callback = (error: Error | null, response?: unknown) => void;

const DEFAULT_ACCOUNT: AccountRegion = { accountId: "123456789012", region: "eu-central-1" };
const STACK_TYPE = "pulumi:pulumi:Stack";

/**
 * A resource monitor without an engine: records the resources that the program registers and answers as AWS would.
 *
 * With `unknownOutputs`, outputs are unknown, as at the first preview of a new stack.
 */
export class Monitor {
  readonly resources: PreviewResource[] = [];
  readonly errors: Error[] = [];
  private readonly byUrn = new Map<string, PreviewResource>();
  private readonly accounts = new Map<string, AccountRegion>();

  constructor(
    private readonly project: string,
    private readonly stack: string,
    private readonly unknownOutputs: boolean,
  ) {}

  /** The outputs of the stack itself, as the program exported them. */
  get stackOutputs(): Properties {
    return this.resources.find((resource) => resource.type === STACK_TYPE)?.outputs ?? {};
  }

  registerResource(request: RegisterResourceRequest, callback: Callback): void {
    this.answer(callback, () => {
      const type = request.getType();
      const name = request.getName();
      const urn = this.urn(request.getParent(), type, name);
      if (this.byUrn.has(urn)) throw new Error(`Two resources have the URN ${urn}: give one another name.`);
      const inputs = properties(request.getObject());
      const custom = request.getCustom();
      const { id, outputs } = custom ? this.create(request, type, name, inputs) : { id: "", outputs: {} };

      const propertyDependencies = Object.fromEntries(
        [...request.getPropertydependenciesMap().entries()]
          .map(([key, urns]) => [key, urns.getUrnsList()] as const)
          .filter(([, urns]) => urns.length > 0),
      );
      const resource: PreviewResource = {
        urn,
        type,
        name,
        id,
        parent: request.getParent(),
        custom,
        inputs: mapProperties(inputs, show),
        outputs: mapProperties(outputs, show),
        dependencies: request.getDependenciesList(),
        propertyDependencies,
        protect: request.getProtect() ?? false,
        // The engine takes it from the parent where the program leaves it open.
        retainOnDelete: request.hasRetainondelete()
          ? request.getRetainondelete() === true
          : this.byUrn.get(request.getParent())?.retainOnDelete === true,
        ignoreChanges: request.getIgnorechangesList(),
        secretInputs: Object.entries(inputs).flatMap(([key, value]) => secretPaths(value, key)),
      };
      this.resources.push(resource);
      this.byUrn.set(urn, resource);

      const response = new RegisterResourceResponse();
      response.setUrn(urn);
      response.setId(id);
      response.setObject(Struct.fromJavaScript(outputs));
      return response;
    });
  }

  registerResourceOutputs(request: RegisterResourceOutputsRequest, callback: Callback): void {
    this.answer(callback, () => {
      const resource = this.byUrn.get(request.getUrn());
      if (resource !== undefined) resource.outputs = mapProperties(properties(request.getOutputs()), show);
      return {};
    });
  }

  invoke(request: ResourceInvokeRequest, callback: Callback): void {
    const response = new InvokeResponse();
    try {
      const args = mapProperties(properties(request.getArgs()), reveal);
      const result = callFunction(request.getTok(), args, this.accountOf(request.getProvider()));
      response.setReturn(Struct.fromJavaScript(result));
    } catch (error) {
      // Not collected: the program can handle the error. The SDK throws one with the details of this one.
      callback(Object.assign(error as Error, { details: (error as Error).message }));
      return;
    }
    callback(null, response);
  }

  readResource(request: ReadResourceRequest, callback: Callback): void {
    this.answer(callback, () => {
      throw new Error(
        `The simulated AWS is empty: there is no ${request.getType()} ${request.getId()} to read.`,
      );
    });
  }

  /** Supports all features except output values inside inputs. */
  supportsFeature(request: SupportsFeatureRequest, callback: Callback): void {
    const supported = request.getId() !== "outputValues";
    callback(null, { getHassupport: () => supported });
  }

  registerPackage(_request: unknown, callback: Callback): void {
    const response = new RegisterPackageResponse();
    response.setRef("simulated");
    callback(null, response);
  }

  private create(
    request: RegisterResourceRequest,
    type: string,
    name: string,
    inputs: Properties,
  ): { id: string; outputs: Properties } {
    if (type.startsWith("pulumi:providers:")) {
      this.accounts.set(name, accountOfProvider(mapProperties(inputs, reveal)));
      return { id: name, outputs: inputs };
    }
    // An empty id means an unknown id.
    if (this.unknownOutputs) return { id: "", outputs: inputs };
    const revealed = mapProperties(inputs, reveal);
    const { id, outputs } = createResource(type, {
      ...this.accountOf(request.getProvider()),
      name,
      inputs: revealed,
    });
    const secret = new Set(request.getAdditionalsecretoutputsList());
    const computed = Object.entries(outputs).map(
      ([key, value]) => [key, secret.has(key) ? wrapSecret(value) : value] as const,
    );
    return { id, outputs: { ...Object.fromEntries(computed), ...inputs } };
  }

  /** The account and region of a provider, given by its URN and id. The id is the provider's name. */
  private accountOf(provider: string): AccountRegion {
    return this.accounts.get(provider.split("::").at(-1) ?? "") ?? DEFAULT_ACCOUNT;
  }

  private urn(parent: string, type: string, name: string): string {
    const parentType = parent.split("::")[2] ?? "";
    const qualifiedType = parentType === "" || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
    return `urn:pulumi:${this.stack}::${this.project}::${qualifiedType}::${name}`;
  }

  private answer(callback: Callback, respond: () => unknown): void {
    let response: unknown;
    try {
      response = respond();
    } catch (error) {
      this.errors.push(error as Error);
      callback(error as Error);
      return;
    }
    callback(null, response);
  }
}

function properties(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}

/** The account and region in a provider's inputs. The engine passes a provider's lists as JSON. */
function accountOfProvider(inputs: Properties): AccountRegion {
  const accountIds = typeof inputs.allowedAccountIds === "string" ? inputs.allowedAccountIds : "[]";
  const [accountId] = JSON.parse(accountIds) as string[];
  return {
    accountId: accountId ?? DEFAULT_ACCOUNT.accountId,
    region: typeof inputs.region === "string" ? inputs.region : DEFAULT_ACCOUNT.region,
  };
}
