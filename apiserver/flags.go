package apiserver

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	kubeoptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// What to do in the place of a flag that cannot be had.
const (
	ownListener   = "the server is handed its listeners, which are open by then"
	ownServing    = "the serving certificate is the control plane's own: --tls-san adds names to it, and --apiserver-arg=--tls-sni-cert-key=CERT,KEY shows one of yours under its names"
	ownAuthority  = "clients are known by the control plane's own authority: 'orrery kubeconfig --as-user NAME' signs a certificate, and --apiserver-arg=--authentication-config=FILE knows others"
	ownFrontProxy = "extension API servers know this one by its own authority, which is written to the ConfigMap kube-system/extension-apiserver-authentication"
	ownKubelets   = "node agents know the API server by the control plane's own authority"
	ownTokens     = "tokens of service accounts are signed with the control plane's own key: replace pki/service-account.key and .pub in the apiserver folder of the instance"
	ownLog        = "the log is that of the whole process: use -v"
	ownServices   = "the range of services is chosen at the first start, with that of pods, and other parts rely on it"
)

// reserved are the flags of kube-apiserver with which a server of ours would not work, or which would be ignored, each with
// what to do instead.
var reserved = map[string]string{
	"bind-address":           "use --bind-address",
	"secure-port":            "use --port",
	"advertise-address":      "use --advertise-address",
	"permit-port-sharing":    ownListener,
	"permit-address-sharing": ownListener,

	"cert-dir":             ownServing,
	"tls-cert-file":        ownServing,
	"tls-private-key-file": ownServing,

	"client-ca-file":                     ownAuthority,
	"requestheader-client-ca-file":       ownFrontProxy,
	"requestheader-allowed-names":        ownFrontProxy,
	"requestheader-username-headers":     ownFrontProxy,
	"requestheader-uid-headers":          ownFrontProxy,
	"requestheader-group-headers":        ownFrontProxy,
	"requestheader-extra-headers-prefix": ownFrontProxy,
	"proxy-client-cert-file":             ownFrontProxy,
	"proxy-client-key-file":              ownFrontProxy,
	"kubelet-certificate-authority":      ownKubelets,
	"kubelet-client-certificate":         ownKubelets,
	"kubelet-client-key":                 ownKubelets,
	"service-account-key-file":           ownTokens,
	"service-account-signing-key-file":   ownTokens,

	"etcd-servers":               "use --etcd-servers",
	"etcd-cafile":                "use --etcd-cafile",
	"etcd-certfile":              "use --etcd-certfile",
	"etcd-keyfile":               "use --etcd-keyfile",
	"etcd-prefix":                "use --etcd-prefix",
	"encryption-provider-config": "use --encryption-config",
	"encryption-provider-config-automatic-reload": "the file is always read again when it has changed",

	"service-cluster-ip-range": ownServices,
}

// ReservedFlagError is the error of a flag of kube-apiserver that cannot be had.
type ReservedFlagError struct {
	// Flag is its name, without hyphens before it.
	Flag string
	// Instead says what to do.
	Instead string
}

func (e *ReservedFlagError) Error() string {
	return fmt.Sprintf("flag --%s of kube-apiserver cannot be set: %s", e.Flag, e.Instead)
}

// CheckFlags says what is wrong with flags of kube-apiserver that a person gave: one that there is not, a feature gate that
// there is not, or one that the server has to decide for itself (a *ReservedFlagError). None that passes is ignored.
func CheckFlags(args []string) error {
	configuring.Lock()
	defer configuring.Unlock()
	registry, err := newRegistry(utilfeature.DefaultMutableFeatureGate.DeepCopy())
	if err != nil {
		return err
	}
	u := kubeoptions.NewServerRunOptions()
	u.GenericServerRunOptions.ComponentGlobalsRegistry = registry
	flags := flagsOf(u)
	if err := parse(flags, args); err != nil {
		return err
	}
	var errs []error
	flags.Visit(func(flag *pflag.Flag) {
		if instead, ok := instead(u, flag); ok {
			errs = append(errs, &ReservedFlagError{Flag: flag.Name, Instead: instead})
		}
	})
	return errors.Join(append(errs, registry.Set())...)
}

// instead says what to do in the place of a flag that cannot be had.
func instead(u *kubeoptions.ServerRunOptions, flag *pflag.Flag) (string, bool) {
	if said, ok := reserved[flag.Name]; ok {
		return said, true
	}
	// Only upstream's command obeys these, before there is a server.
	if logs := u.Flags().FlagSets["logs"]; logs != nil && logs.Lookup(flag.Name) != nil {
		return ownLog, true
	}
	return "", false
}

// flagsOf are the flags that change u.
func flagsOf(u *kubeoptions.ServerRunOptions) *pflag.FlagSet {
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	flags.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	for _, set := range u.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	flags.Usage = func() {}
	return flags
}

// parse parses flags, and leaves nothing unsaid about what is none.
func parse(flags *pflag.FlagSet, args []string) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return errors.New("parsing API server flags: 'orrery kube-apiserver --help' lists them")
	case err != nil:
		return fmt.Errorf("parsing API server flags: %w", err)
	case flags.NArg() > 0:
		return fmt.Errorf("parsing API server flags: %q is not a flag: write --NAME=VALUE", flags.Arg(0))
	}
	return nil
}

func anyChanged(flags *pflag.FlagSet, names ...string) bool {
	return slices.ContainsFunc(names, flags.Changed)
}
