import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules/"] },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers in messages are what these messages are about.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Pulumi resources act by being constructed.
      "no-new": "off",
      "@typescript-eslint/no-extraneous-class": "off",
    },
  },
  {
    files: ["**/*.ts"],
    ignores: ["cli/output.ts", "test/**"],
    rules: {
      // Text from others may hold control characters. Only cli/output.ts removes them.
      "no-console": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "MemberExpression[property.name='write'] MemberExpression[property.name=/^std(out|err)$/]",
          message: "Print by cli/output.ts.",
        },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // chai's property assertions (`expect(x).to.be.true`) are expressions.
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
);
