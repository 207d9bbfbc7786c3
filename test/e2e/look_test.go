package e2e

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/cmd/get"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// refusal is what kubectl says where it would end its process.
type refusal string

// A look that fails ends the look.
func init() { cmdutil.BehaviorOnFatal(func(said string, _ int) { panic(refusal(said)) }) }

// look is what `kubectl get` prints. It is kubectl's own code, in this process: what a test waits for is looked at again and again, and
// a program for each look would take the processors from what is waited for.
func look(kubeconfig string, args ...string) (printed string, err error) {
	defer func() {
		if said := recover(); said != nil {
			why, ok := said.(refusal)
			if !ok {
				panic(said)
			}
			err = errors.New(string(why))
		}
	}()
	access := genericclioptions.NewConfigFlags(true)
	access.KubeConfig = &kubeconfig
	access.WrapConfigFn = func(config *rest.Config) *rest.Config {
		config.WarningHandler, config.WarningHandlerWithContext = rest.NoWarnings{}, nil
		return config
	}
	var out bytes.Buffer
	command := get.NewCmdGet("kubectl", cmdutil.NewFactory(access), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: io.Discard})
	access.AddFlags(command.Flags())
	command.SetOut(io.Discard)
	command.SetErr(io.Discard)
	command.SetArgs(args)
	err = command.Execute()
	return out.String(), err
}
