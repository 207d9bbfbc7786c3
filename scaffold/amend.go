package scaffold

import (
	"fmt"
	"regexp"

	"github.com/spf13/afero"
)

// amendment is a change of what kubebuilder's plugins have written: everything that a pattern matches becomes something else.
type amendment struct {
	what    string // what it is about, for who has to mend it
	pattern *regexp.Regexp
	by      string
}

// makefile lets `make test` download nothing but Go modules: controller-gen is built from the module of the project, where go.mod
// pins it as a tool, and tests need no programs.
var makefile = []amendment{
	{
		what:    "the recipe of test",
		pattern: regexp.MustCompile(`(?m)^(test: manifests generate fmt vet) setup-envtest (## Run tests\.\n\t)KUBEBUILDER_ASSETS="[^\n]*-p path\)" (go test [^\n]*)$`),
		by:      "$1 $2$3",
	},
	{
		what:    "the recipe of controller-gen",
		pattern: regexp.MustCompile(`(?m)^\$\(CONTROLLER_GEN\): \$\(LOCALBIN\)\n\t\$\(call go-install-tool,\$\(CONTROLLER_GEN\),[^\n]*$`),
		by:      "$$(CONTROLLER_GEN): go.mod | $$(LOCALBIN)\n\tgo build -o \"$$(CONTROLLER_GEN)\" " + generator,
	},
	{
		what:    "the version of controller-gen",
		pattern: regexp.MustCompile(`(?m)^CONTROLLER_TOOLS_VERSION \?= [^\n]*\n`),
	},
	{
		what:    "the help of controller-gen",
		pattern: regexp.MustCompile(`## Download controller-gen locally if necessary\.`),
		by:      "## Build controller-gen, which go.mod pins.",
	},
}

// sample is one that an API server takes: spec is required, and a comment is no value.
var sample = []amendment{{
	what:    "the spec of a sample",
	pattern: regexp.MustCompile(`(?m)^spec:\n  # TODO\(user\): Add fields here$`),
	by:      "spec: {}",
}}

// suite lets a suite run on our envtest, which needs no programs: so nothing looks for them.
var suite = []amendment{
	{
		what:    "the import of envtest",
		pattern: regexp.MustCompile(`"sigs\.k8s\.io/controller-runtime/pkg/envtest"`),
		by:      `"github.com/orrery-dev/orrery/envtest"`,
	},
	{
		what:    "where programs are looked for",
		pattern: regexp.MustCompile(`(?s)\t// Retrieve the first found binary directory.*?\n\t}\n\n`),
	},
	{
		what:    "the function that looks for programs",
		pattern: regexp.MustCompile(`(?s)\n// getFirstFoundEnvTestBinaryDir locates.*\z`),
	},
	{
		what:    "an import",
		pattern: regexp.MustCompile(`(?m)^\t"os"\n`),
	},
}

// amend changes a file of the project. That a pattern matches nothing is an error: then kubebuilder's templates have changed.
func amend(fs afero.Fs, path string, by []amendment) error {
	text, err := afero.ReadFile(fs, path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	for _, a := range by {
		if !a.pattern.Match(text) {
			return fmt.Errorf("amending %s: %s is not written as kubebuilder %s writes it", path, a.what, KubebuilderVersion)
		}
		text = a.pattern.ReplaceAll(text, []byte(a.by))
	}
	return writeFormatted(fs, path, text)
}

// amendSuite lets a suite of kubebuilder's run on our envtest, unless it does already.
func amendSuite(fs afero.Fs, path string) error {
	text, err := afero.ReadFile(fs, path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	if !suite[0].pattern.Match(text) {
		return nil
	}
	return amend(fs, path, suite)
}
