package nodeconfig

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/nodeagent"
	"github.com/orrery-dev/orrery/nodeagent/kubeletconfig"
	"github.com/spf13/pflag"
	"k8s.io/component-base/cli/flag"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// Options are what a person can choose about a node, beside its name and its addresses.
type Options struct {
	// added says that a kubelet's flags are ours; else a flag of such a name is somebody else's.
	added bool
	// file and dropIns are where the configuration is; prefix is how the names of their flags begin.
	file, dropIns, prefix string
	// given is what flags say.
	given kubeletconfigv1beta1.KubeletConfiguration
	// What the configuration has as pointers.
	logFiles, pullQPS int32
	resolvConf        string
	register, serial  bool
	labels            map[string]string
	// header is what is sent to the URL of static pods.
	header map[string][]string
}

// Node is how the node is to be.
type Node struct {
	// Configuration says what files and flags say, and nothing else.
	Configuration *kubeletconfigv1beta1.KubeletConfiguration
	Labels        map[string]string
}

// AddFileFlags adds the flags that name files, whose names begin with a prefix.
func (o *Options) AddFileFlags(flags *pflag.FlagSet, prefix string) {
	o.prefix = prefix
	flags.StringVar(&o.file, prefix+"config", "", "`file` with a KubeletConfiguration (kubelet.config.k8s.io/v1beta1); what this node cannot obey of it is an error")
	flags.StringVar(&o.dropIns, prefix+"config-dir", "", "`directory` with drop-ins, files whose names end in .conf: each is merged over that file and the drop-ins before it, in the order of their names")
}

// FileFlags are the flags for another program that is to read the same files.
func (o *Options) FileFlags() (arguments []string) {
	if o.file != "" {
		arguments = append(arguments, "--config", o.file)
	}
	if o.dropIns != "" {
		arguments = append(arguments, "--config-dir", o.dropIns)
	}
	return arguments
}

// Paths are the names of the flags that name files.
func (o *Options) Paths() []string { return []string{o.prefix + "config", o.prefix + "config-dir"} }

// AddFlags adds the flags of a kubelet that say what else its file can say, and labels.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	o.added = true
	flags.StringToStringVar(&o.labels, "node-labels", nil, "`labels` that the Node has among others, as in disk=ssd,zone=a")
	flags.Var((*taints)(&o.given.RegisterWithTaints), "register-with-taints", "`taints` that the Node is made with, as in dedicated=db:NoSchedule; several with commas")
	flags.BoolVar(&o.register, "register-node", true, "make the Node; otherwise somebody else does")
	flags.StringVar(&o.given.ProviderID, "provider-id", "", "`name` of this machine at its cloud")
	flags.Int32Var(&o.given.MaxPods, "max-pods", 110, "`number` of pods that the node takes")
	flags.Int32Var(&o.given.PodsPerCore, "pods-per-core", 0, "`number` of pods that the node takes for each CPU, if that is less; 0 for any")
	flags.StringSliceVar(&o.given.ClusterDNS, "cluster-dns", nil, "`addresses` that pods ask for names; by default the cluster's")
	flags.StringVar(&o.given.ClusterDomain, "cluster-domain", "", "`domain` of the cluster, by default its own")
	flags.StringVar(&o.resolvConf, "resolv-conf", "", "`file` that says where the node asks for names, and pods with it; by default the machine's own")
	flags.StringVar(&o.given.ContainerLogMaxSize, "container-log-max-size", "10Mi", "`size` beyond which the log of a container is rotated")
	flags.Int32Var(&o.logFiles, "container-log-max-files", 5, "`number` of log files of a container, with the one that is written to")
	flags.BoolVar(&o.serial, "serialize-image-pulls", false, "pull one image at a time")
	flags.Int32Var(&o.pullQPS, "registry-qps", 5, "`number` of pulls that may begin in a second; 0 for any")
	flags.Int32Var(&o.given.RegistryBurst, "registry-burst", 10, "`number` of pulls that may begin at once after a while without any")
	flags.StringVar(&o.given.StaticPodPath, "pod-manifest-path", "", "`directory` with manifests of static pods, or one file: the node runs them whether there is an API server or not")
	flags.StringVar(&o.given.StaticPodURL, "manifest-url", "", "`URL` at which manifests of static pods are served")
	flags.Var(flag.NewColonSeparatedMultimapStringString(&o.header), "manifest-url-header", "`headers` that are sent to --manifest-url, as in Accept:text/yaml; several with commas")
	flags.DurationVar(&o.given.FileCheckFrequency.Duration, "file-check-frequency", 20*time.Second, "how often --pod-manifest-path is read, beside whenever something changes there")
	flags.DurationVar(&o.given.HTTPCheckFrequency.Duration, "http-check-frequency", 20*time.Second, "how often --manifest-url is read")
	flags.StringSliceVar(&o.given.AllowedUnsafeSysctls, "allowed-unsafe-sysctls", nil, "further `sysctls` that pods may set, or beginnings of their names with a * after them")
}

// overrides say which field a flag is about.
var overrides = map[string]func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration){
	"register-with-taints": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.RegisterWithTaints = o.given.RegisterWithTaints
	},
	"register-node": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.RegisterNode = &o.register },
	"provider-id":   func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.ProviderID = o.given.ProviderID },
	"max-pods":      func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.MaxPods = o.given.MaxPods },
	"pods-per-core": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.PodsPerCore = o.given.PodsPerCore },
	"cluster-dns":   func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.ClusterDNS = o.given.ClusterDNS },
	"cluster-domain": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.ClusterDomain = o.given.ClusterDomain
	},
	"resolv-conf": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.ResolverConfig = &o.resolvConf },
	"container-log-max-size": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.ContainerLogMaxSize = o.given.ContainerLogMaxSize
	},
	"container-log-max-files": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.ContainerLogMaxFiles = &o.logFiles },
	"serialize-image-pulls":   func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.SerializeImagePulls = &o.serial },
	"registry-qps":            func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.RegistryPullQPS = &o.pullQPS },
	"registry-burst": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.RegistryBurst = o.given.RegistryBurst
	},
	"pod-manifest-path": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.StaticPodPath = absolute(o.given.StaticPodPath)
	},
	"manifest-url": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) { c.StaticPodURL = o.given.StaticPodURL },
	"manifest-url-header": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.StaticPodURLHeader = o.header
	},
	"file-check-frequency": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.FileCheckFrequency = o.given.FileCheckFrequency
	},
	"http-check-frequency": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.HTTPCheckFrequency = o.given.HTTPCheckFrequency
	},
	"allowed-unsafe-sysctls": func(o *Options, c *kubeletconfigv1beta1.KubeletConfiguration) {
		c.AllowedUnsafeSysctls = o.given.AllowedUnsafeSysctls
	},
}

// absolute is a path that does not depend on where the program was started: UIDs of static pods follow from theirs.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil && path != "" {
		return full
	}
	return path
}

// Load reads the files, and puts over them what flags say.
func (o *Options) Load(flags *pflag.FlagSet) (Node, error) {
	c, err := kubeletconfig.Load(o.file, o.dropIns)
	if err != nil {
		return Node{}, err
	}
	flags.Visit(func(f *pflag.Flag) {
		if override := overrides[f.Name]; override != nil && o.added {
			override(o, c)
		}
	})
	if err := nodeagent.CheckConfiguration(c); err != nil {
		return Node{}, fmt.Errorf("configuring the node: %w", err)
	}
	if err := checkLabels(o.labels); err != nil {
		return Node{}, err
	}
	return Node{Configuration: c, Labels: o.labels}, nil
}

// ForContainers says that a flag was given which means something only for a node that runs containers.
func (o *Options) ForContainers(flags *pflag.FlagSet) error {
	var found []string
	flags.Visit(func(f *pflag.Flag) {
		if simulated := f.Name == "register-with-taints"; o.added && overrides[f.Name] != nil && !simulated || slices.Contains(o.Paths(), f.Name) {
			found = append(found, "--"+f.Name)
		}
	})
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("%s: want a runtime that runs containers: leave out --runtime simulated", strings.Join(found, ", "))
}
