package containerd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// config is what containerd's configuration depends on.
type config struct {
	Root, State, Socket, Sockets string // what lasts, what does not, where to listen, where the shims listen
	Temp, Opt                    string
	PluginDir, ConfDir           string // of CNI
	SandboxImage                 string
	Registries                   string // the directory that says how registries are reached
	Snapshotter                  string // "overlayfs", or "native" where the file system cannot be overlaid
	RestrictOOMScore             bool   // ask for no lower OOM score than our own: see host.oomScoreIsRestricted
}

// configText follows containerd's configuration version 4
// (https://github.com/containerd/containerd/blob/v2.4.2/docs/man/containerd-config.toml.5.md). What is not named has its default.
// Everything that would lie outside our directories, or serve others than us, is off or moved.
var configText = template.Must(template.New("config.toml").Funcs(template.FuncMap{"quote": quote}).Parse(`# Written at every start: changes are lost.
version = 4
root = {{quote .Root}}
state = {{quote .State}}
temp = {{quote .Temp}}
imports = []
disabled_plugins = [
  "io.containerd.image-verifier.v1.bindir",
  "io.containerd.internal.v1.tracing",
  "io.containerd.monitor.container.v1.restart",
  "io.containerd.nri.v1.nri",
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
]

[plugins."io.containerd.server.v1.grpc"]
  address = {{quote .Socket}}

[plugins."io.containerd.server.v1.ttrpc"]
  address = {{quote (print .Socket ".ttrpc")}}

[plugins."io.containerd.internal.v1.opt"]
  path = {{quote .Opt}}

[plugins."io.containerd.shim.v1.manager"]
  socket_dir = {{quote .Sockets}}

[plugins."io.containerd.transfer.v1.local"]
  unpack_config = [{ platform = "linux", snapshotter = {{quote .Snapshotter}} }]

[plugins."io.containerd.cri.v1.images"]
  snapshotter = {{quote .Snapshotter}}
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = {{quote .SandboxImage}}
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = {{quote .Registries}}

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = {{.RestrictOOMScore}}
  disable_hugetlb_controller = false
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [{{quote .PluginDir}}]
    conf_dir = {{quote .ConfDir}}
    use_internal_loopback = true
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        Root = {{quote (print .State "/runc")}}
        SystemdCgroup = false
`))

// text renders the configuration file.
func (c config) text() ([]byte, error) {
	var b bytes.Buffer
	if err := configText.Execute(&b, c); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// quote writes a TOML string: every JSON string is one.
func quote(s string) (string, error) {
	b, err := json.Marshal(s)
	return string(b), err
}

// config looks at the host and decides.
func (r *Runtime) config() (config, error) {
	snapshotter := "overlayfs"
	if err := overlayWorks(r.options.Dir); err != nil {
		snapshotter = "native"
		r.log.Info("the file system of the data directory cannot be overlaid: images are copied for each container", "reason", err.Error())
	}
	restricted, err := oomScoreIsRestricted()
	if err != nil {
		return config{}, err
	}
	return config{
		Root:             filepath.Join(r.options.Dir, "root"),
		State:            filepath.Join(r.run, "state"),
		Socket:           r.socket(),
		Sockets:          filepath.Join(r.run, "s"),
		Temp:             filepath.Join(r.run, "tmp"),
		Opt:              filepath.Join(r.options.Dir, "opt"),
		PluginDir:        filepath.Join(r.options.Programs, "cni"),
		ConfDir:          r.options.CNIConfDir,
		SandboxImage:     r.options.SandboxImage,
		Registries:       r.options.RegistryDir,
		Snapshotter:      snapshotter,
		RestrictOOMScore: restricted,
	}, nil
}

// writeConfig makes the directories and the configuration file.
func (r *Runtime) writeConfig() error {
	for _, dir := range []string{r.options.Dir, r.run, r.options.CNIConfDir} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("making a directory of the container runtime: %w", err)
		}
	}
	c, err := r.config()
	if err != nil {
		return fmt.Errorf("configuring the container runtime: %w", err)
	}
	text, err := c.text()
	if err != nil {
		return fmt.Errorf("configuring the container runtime: %w", err)
	}
	if err := os.WriteFile(r.configFile(), text, 0o600); err != nil {
		return fmt.Errorf("writing the configuration of the container runtime: %w", err)
	}
	return nil
}
