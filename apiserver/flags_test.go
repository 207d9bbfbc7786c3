package apiserver

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	kubeoptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/orrery-dev/orrery/apiserver/pki"
)

// obeyed are the flags that Options decide and a person may decide otherwise: the value of the flag is taken.
var obeyed = []string{
	"allow-privileged", "authorization-mode", "endpoint-reconciler-type", "feature-gates", "kubelet-preferred-address-types",
	"runtime-config", "service-account-issuer", "audit-log-path", "audit-policy-file", "audit-log-maxage", "audit-log-maxbackup",
	"audit-log-maxsize",
	"enable-admission-plugins", "disable-admission-plugins", // beside ours: see choosePlugins
}

func TestEveryFlagThatOptionsDecideIsObeyedOrReserved(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // nobody listened
	s := &Server{listener: join(listener), options: Options{
		DataDir: t.TempDir(), TwoNames: true, EncryptSecrets: true, ServiceCIDR: DefaultServiceCIDR, ClusterDomain: "cluster.local",
		AdvertiseAddress: netip.MustParseAddr("10.1.2.3"), Audit: &Audit{LogFile: "audit.log"},
		Etcd: &ExternalEtcd{Endpoints: []string{"https://etcd"}, Prefix: "/prefix", CAFile: "ca", CertFile: "cert", KeyFile: "key"},
	}}
	files := pki.Files{
		Authority: "a", ServerCertificate: "b", ServerKey: "c", KubeletClientCertificate: "d", KubeletKey: "e", FrontProxyAuthority: "f",
		ProxyClientCertificate: "g", ProxyClientKey: "h", ServiceAccountKey: "i", ServiceAccountPublic: "j",
	}
	ours, err := s.optionsWith(utilfeature.DefaultMutableFeatureGate.DeepCopy(), files)
	if err != nil {
		t.Fatal(err)
	}
	upstream := flagsOf(kubeoptions.NewServerRunOptions())
	decided := 0
	flagsOf(ours).VisitAll(func(flag *pflag.Flag) {
		if theirs := upstream.Lookup(flag.Name); theirs == nil || theirs.Value.String() == flag.Value.String() {
			return
		}
		decided++
		if reserved[flag.Name] == "" && !slices.Contains(obeyed, flag.Name) {
			t.Errorf("--%s is %s by our decision: is a person who sets it obeyed, or told what to do instead?", flag.Name, flag.Value)
		}
	})
	if decided < 20 {
		t.Errorf("only %d flags differ from upstream's: the comparison sees nothing", decided)
	}
	for name := range reserved {
		if upstream.Lookup(name) == nil {
			t.Errorf("--%s is reserved, and no flag of kube-apiserver", name)
		}
	}
	for _, name := range obeyed {
		if upstream.Lookup(name) == nil {
			t.Errorf("--%s is said to be obeyed, and no flag of kube-apiserver", name)
		}
	}
}

func TestFlagsOfKubeAPIServerAreTakenOrRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string // part of the error; empty for none
		flag string // of a ReservedFlagError
	}{
		"nothing":                              {nil, "", ""},
		"one that only upstream knows":         {[]string{"--max-requests-inflight=100"}, "", ""},
		"one whose value stands for itself":    {[]string{"--max-requests-inflight", "100"}, "", ""},
		"a feature gate":                       {[]string{"--feature-gates=GenericWorkload=false"}, "", ""},
		"an address":                           {[]string{"--bind-address=0.0.0.0"}, "use --bind-address", "bind-address"},
		"an address that stands for itself":    {[]string{"--bind-address", "0.0.0.0"}, "use --bind-address", "bind-address"},
		"an underscore, as upstream allows it": {[]string{"--bind_address=0.0.0.0"}, "use --bind-address", "bind-address"},
		"a value that is ours already":         {[]string{"--bind-address=127.0.0.1"}, "use --bind-address", "bind-address"},
		"a reserved one behind others":         {[]string{"--profiling=false", "--client-ca-file=ca.crt"}, "orrery kubeconfig", "client-ca-file"},
		"verbosity":                            {[]string{"--v=4"}, "use -v", "v"},
		"how the log is written":               {[]string{"--logging-format=json"}, "use -v", "logging-format"},
		"the key for Secrets":                  {[]string{"--encryption-provider-config=x.yaml"}, "--encryption-config", "encryption-provider-config"},
		"one that there is not":                {[]string{"--warp=9"}, "--warp", ""},
		"a value that cannot be":               {[]string{"--max-requests-inflight=many"}, "max-requests-inflight", ""},
		"a word that is no flag":               {[]string{"profiling=false"}, `"profiling=false" is not a flag`, ""},
		"a feature gate that there is not":     {[]string{"--feature-gates=NoSuch=true"}, "NoSuch", ""},
		"a question":                           {[]string{"--help"}, "orrery kube-apiserver --help", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := CheckFlags(c.args)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want it taken", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if reserved := new(ReservedFlagError); c.flag != "" && (!errors.As(err, &reserved) || reserved.Flag != c.flag) {
				t.Errorf("got %v, want a ReservedFlagError for %s", err, c.flag)
			}
		})
	}
}

func TestOurChoiceOfAdmissionPluginsStaysBesideAPersons(t *testing.T) {
	for name, c := range map[string]struct{ args, on, off []string }{
		"without a word":                   {nil, []string{"NodeRestriction"}, nil},
		"with others":                      {[]string{"--enable-admission-plugins=AlwaysPullImages", "--disable-admission-plugins=ServiceAccount"}, []string{"AlwaysPullImages", "NodeRestriction"}, []string{"ServiceAccount"}},
		"unless the person has it already": {[]string{"--enable-admission-plugins=NodeRestriction"}, []string{"NodeRestriction"}, nil},
		"unless the person decides of it":  {[]string{"--disable-admission-plugins=NodeRestriction"}, nil, []string{"NodeRestriction"}},
	} {
		t.Run(name, func(t *testing.T) {
			u := kubeoptions.NewServerRunOptions()
			if err := parse(flagsOf(u), c.args); err != nil {
				t.Fatal(err)
			}
			admission := u.Admission.GenericAdmission
			choosePlugins(admission)
			if !slices.Equal(admission.EnablePlugins, c.on) || !slices.Equal(admission.DisablePlugins, c.off) {
				t.Errorf("on are %v and off %v, want %v and %v", admission.EnablePlugins, admission.DisablePlugins, c.on, c.off)
			}
		})
	}
}

func TestTheAuditPolicyLiesBesideTheData(t *testing.T) {
	s := &Server{options: Options{DataDir: t.TempDir(), Audit: &Audit{LogFile: "audit.log"}}}
	u := kubeoptions.NewServerRunOptions()
	if err := s.setAudit(u); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(s.options.DataDir, "audit-policy.yaml"); u.Audit.PolicyFile != want {
		t.Errorf("the policy is read from %s, want %s", u.Audit.PolicyFile, want)
	}
}
