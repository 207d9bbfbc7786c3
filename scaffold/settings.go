package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/yaml"
)

// settings are what a PROJECT file remembers for us, under [Key].
type settings struct {
	// Plain is whether controllers are kubebuilder's own, unless a command says otherwise.
	Plain bool `json:"plain,omitempty"`
}

// settingsOf reads them; a project that knows nothing of us has none.
func settingsOf(c config.Config) (settings, error) {
	var s settings
	err := c.DecodePluginConfig(Key, &s)
	var unknown config.PluginKeyNotFoundError
	if err != nil && !errors.As(err, &unknown) {
		return s, fmt.Errorf("reading plugins.%s of PROJECT: %w", Key, err)
	}
	return s, nil
}

func (s settings) keep(c config.Config) error {
	if err := c.EncodePluginConfig(Key, s); err != nil {
		return fmt.Errorf("writing plugins.%s of PROJECT: %w", Key, err)
	}
	return nil
}

// checkLayout refuses a project that lies in another way than ours.
func checkLayout(c config.Config) error {
	chain := c.GetPluginChain()
	if slices.Contains(chain, Layout) {
		return nil
	}
	return fmt.Errorf("PROJECT says layout %q, want %q: make a new project by `orrery init` and move your code, or bring this one up by `kubebuilder alpha generate`",
		strings.Join(chain, ","), Layout)
}

// rewrite is a configuration with other resources: a config.Config takes none away.
func rewrite(c config.Config, resources func(all []map[string]any) []map[string]any) (config.Config, error) {
	text, err := c.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("writing PROJECT: %w", err)
	}
	var fields map[string]any
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("reading PROJECT: %w", err)
	}
	var all []map[string]any
	for _, entry := range asList(fields["resources"]) {
		if one, is := entry.(map[string]any); is {
			all = append(all, one)
		}
	}
	if left := resources(all); len(left) > 0 {
		fields["resources"] = left
	} else {
		delete(fields, "resources")
	}
	if text, err = yaml.Marshal(fields); err != nil {
		return nil, fmt.Errorf("writing PROJECT: %w", err)
	}
	rewritten, err := config.New(c.GetVersion())
	if err != nil {
		return nil, err
	}
	return rewritten, rewritten.UnmarshalYAML(text)
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}
