package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/scaffold/tree"
	"github.com/spf13/afero"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	yamlstore "sigs.k8s.io/kubebuilder/v4/pkg/config/store/yaml"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
)

// deletion takes out of a project what a command of the other direction has put there.
type deletion struct {
	what  string // api or webhook
	gvk   resource.GVK
	force bool
	make  bool
	// without is the kind as it is left, or nil.
	without func(resource.Resource) (*resource.Resource, error)
}

// DeleteAPI takes away a kind, with its loops and webhooks.
func DeleteAPI() Command {
	return &deletion{what: "api", without: func(resource.Resource) (*resource.Resource, error) { return nil, nil }}
}

// DeleteWebhook takes away the webhooks of a kind.
func DeleteWebhook() Command {
	return &deletion{what: "webhook", without: func(r resource.Resource) (*resource.Resource, error) {
		if r.Webhooks == nil || r.Webhooks.IsEmpty() {
			return nil, fmt.Errorf("%s has no webhooks", title(r.GVK))
		}
		left := r.Copy()
		left.Webhooks = nil
		return &left, nil
	}}
}

func (d *deletion) BindFlags(flags *pflag.FlagSet) {
	bindKind(flags, &d.gvk)
	flags.BoolVar(&d.force, "force", false, "delete files also where they were edited")
	flags.BoolVar(&d.make, "make", true, "run go mod tidy and make manifests generate at the end")
}

func (d *deletion) About() (string, string) {
	example := fmt.Sprintf("  orrery delete %s --group web --version v1 --kind Website", d.what)
	return map[string]string{
		"api":     "Take away a kind: its type, rooms, webhooks, roles, sample and definition, and what stands of it in other files.",
		"webhook": "Take away the webhooks of a kind, and what stands of them in other files.",
	}[d.what] + `

What create would have written is computed anew, and taken out where it stands word for word. Files that were
edited are deleted by --force only; lines that were edited are left, and named. Objects in a cluster stay.`, example + " --dry-run   # a diff of what would go\n" + example
}

func (d *deletion) do(string) ([]string, error) {
	files := machinery.Filesystem{FS: afero.NewOsFs()}
	project := yamlstore.New(files)
	if err := load(project); err != nil {
		return nil, err
	}
	gvk := newResource(d.gvk, project.Config()).GVK
	if err := errors.Join(refuseOrrery(project.Config()), checkLayout(project.Config()), checkKind(gvk)); err != nil {
		return nil, err
	}
	res, err := project.Config().GetResource(gvk)
	if err != nil {
		return nil, fmt.Errorf("%s is none of this project: its kinds are in PROJECT", title(gvk))
	}
	left, err := d.without(res)
	if err != nil {
		return nil, err
	}
	made, err := replay(project.Config(), res, left)
	if err != nil {
		return nil, fmt.Errorf("computing what create wrote: %w", err)
	}
	notes, err := d.takeOut(made)
	if err != nil {
		return nil, err
	}
	if err := d.forget(files, project.Config(), res, left); err != nil {
		return nil, err
	}
	notes = append(notes, sweep(project.Config(), res, left)...)
	if d.make {
		return notes, generate()
	}
	return notes, nil
}

// takeOut undoes what was made. Of a file that was edited it says so.
func (d *deletion) takeOut(made tree.Changes) (notes []string, err error) {
	var edited []string
	for _, change := range made {
		text, err := os.ReadFile(change.Path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		if change.Action() != tree.Create {
			undone, left := tree.Undo(change.Before.Content, change.After.Content, string(text))
			for _, block := range left {
				notes = append(notes, fmt.Sprintf("%s was edited where this stood, see to it:\n%s", change.Path, strings.TrimRight(block, "\n")))
			}
			if err := os.WriteFile(change.Path, []byte(undone), change.After.Mode.Perm()); err != nil {
				return nil, err
			}
			continue
		}
		if yearless(string(text)) != yearless(change.After.Content) {
			edited = append(edited, change.Path)
			if !d.force {
				continue
			}
		}
		if err := os.Remove(change.Path); err != nil {
			return nil, err
		}
	}
	if len(edited) > 0 && !d.force {
		return nil, fmt.Errorf("these files were edited since they were created, or by another version of kubebuilder: keep what you need of them, and say --force\n  %s", strings.Join(edited, "\n  "))
	}
	return notes, nil
}

var year = regexp.MustCompile(`Copyright \d{4}`)

// yearless is a text without the year in its licence, which is that of its creation.
func yearless(text string) string { return year.ReplaceAllString(text, "Copyright") }

// forget writes PROJECT without the kind, or with what is left of it.
func (d *deletion) forget(files machinery.Filesystem, c config.Config, res resource.Resource, left *resource.Resource) error {
	rewritten, err := rewrite(c, func(all []map[string]any) []map[string]any {
		return slices.DeleteFunc(all, func(entry map[string]any) bool {
			if !isEntryOf(entry, res.GVK) {
				return false
			}
			delete(entry, "webhooks")
			return left == nil
		})
	})
	if err != nil {
		return err
	}
	text, err := rewritten.MarshalYAML()
	if err != nil {
		return fmt.Errorf("writing PROJECT: %w", err)
	}
	old, err := afero.ReadFile(files.FS, yamlstore.DefaultPath)
	if err != nil {
		return fmt.Errorf("reading PROJECT: %w", err)
	}
	return afero.WriteFile(files.FS, yamlstore.DefaultPath, append(heading(old), text...), 0o644)
}

func isEntryOf(entry map[string]any, gvk resource.GVK) bool {
	word := func(key string) string { value, _ := entry[key].(string); return value }
	return word("group") == gvk.Group && word("domain") == gvk.Domain && word("version") == gvk.Version && word("kind") == gvk.Kind
}

// heading is the comment that a PROJECT file begins with.
func heading(text []byte) []byte {
	end := 0
	for _, line := range strings.SplitAfter(string(text), "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		end += len(line)
	}
	return text[:end]
}

// webhooksOf are the kinds with webhooks, but for one.
func webhooksOf(c config.Config, but resource.GVK) []resource.Resource {
	all, _ := c.GetResources() // of version 3 there is no error
	return slices.DeleteFunc(all, func(r resource.Resource) bool {
		return r.GVK == but || r.Webhooks == nil || r.Webhooks.IsEmpty()
	})
}

// sweep deletes what was generated for the kind: its definition, the configuration of webhooks where there are none left, and deep
// copies where nothing else is left in the package.
func sweep(c config.Config, res resource.Resource, left *resource.Resource) []string {
	if len(webhooksOf(c, res.GVK)) == 0 {
		_ = os.Remove(path.Join("config", "webhook", "manifests.yaml"))
	}
	if left != nil || !res.HasAPI() {
		return nil
	}
	_ = os.Remove(path.Join("config", "crd", "bases", res.QualifiedGroup()+"_"+res.Plural+".yaml"))
	folder := strings.TrimPrefix(res.Path, c.GetRepository()+"/")
	generated := path.Join(folder, "zz_generated.deepcopy.go")
	others, _ := filepath.Glob(path.Join(folder, "*.go"))
	if others = slices.DeleteFunc(others, func(file string) bool { return file == generated }); len(others) == 0 {
		_ = os.Remove(generated)
	}
	return []string{fmt.Sprintf("where the definition is installed, it and all its objects stay: kubectl delete crd %s.%s", res.Plural, res.QualifiedGroup())}
}
