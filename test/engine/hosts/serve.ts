import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { commandProvider } from "./commandProvider";
import { Engine } from "./engine";
import { languageHost } from "./languageHost";

/** The language host and the provider for commands, served by this process on one port. */
export interface Hosts {
  /** Port on 127.0.0.1, for PULUMI_DEBUG_LANGUAGES and PULUMI_DEBUG_PROVIDERS. */
  port: number;
  close(): void;
}

/**
 * @param folder The folder of the program, where its commands run.
 * @param env The environment variables of programs and commands.
 */
export async function serveHosts(folder: string, env: () => NodeJS.ProcessEnv): Promise<Hosts> {
  // Each has its own connection to the engine: an engine attaches to them one by one.
  const [language, command] = [new Engine(), new Engine()];
  const anyLength = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
  const server = new grpc.Server(anyLength);
  server.addService(LanguageRuntimeService, languageHost(language, env));
  server.addService(ResourceProviderService, commandProvider(command, folder, env));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    close() {
      server.forceShutdown();
      language.close();
      command.close();
    },
  };
}
