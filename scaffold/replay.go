package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/orrery-dev/orrery/scaffold/tree"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
)

// replay computes what commands have written for a kind in the project of the working directory: the difference between a new
// project of the same settings and other kinds, with less of this one and with all of it. left nil is none of it.
func replay(c config.Config, res resource.Resource, left *resource.Resource) (tree.Changes, error) {
	known, err := settingsOf(c)
	if err != nil {
		return nil, err
	}
	all, err := c.GetResources()
	if err != nil {
		return nil, err
	}
	start := tree.Tree{}
	for _, file := range []string{boilerplates} { // where a licence is, files begin with it
		if text, err := os.ReadFile(file); err == nil {
			start[file] = tree.File{Content: string(text), Mode: 0o644}
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	r := replayed{config: c, project: here}
	var before, after tree.Tree
	err = inCopy(here, tree.Tree{}, func() error {
		if err := r.init(known, start); err != nil {
			return err
		}
		for _, other := range all {
			if other.GVK == res.GVK {
				continue
			}
			if err := r.create(other, nil); err != nil {
				return err
			}
		}
		if left != nil {
			if err := r.create(*left, nil); err != nil {
				return err
			}
		}
		if before, err = tree.Read("."); err != nil {
			return err
		}
		if err := r.create(res, left); err != nil {
			return err
		}
		after, err = tree.Read(".")
		return err
	})
	delete(before, "PROJECT")
	delete(after, "PROJECT")
	return tree.Compare(before, after), err
}

// replayed is a project that is made anew after another.
type replayed struct {
	config  config.Config
	project string // the folder of the other
}

func (r replayed) init(known settings, start tree.Tree) error {
	init := Plugin{}.GetInitSubcommand().(*initSubcommand)
	init.requires = requireAny
	err := r.command(&command{sub: init, makes: true}, map[string]string{
		"domain": r.config.GetDomain(), "repo": r.config.GetRepository(), "project-name": r.config.GetProjectName(),
		"multigroup": fmt.Sprint(r.config.IsMultiGroup()), "namespaced": fmt.Sprint(r.config.IsNamespaced()),
		"plain": fmt.Sprint(known.Plain), "license": "none", "fetch-deps": "false", "skip-go-version-check": "true",
	})
	return errors.Join(err, start.Write("."))
}

// create does for a kind what its entry in PROJECT says was done, but for what is there already.
func (r replayed) create(res resource.Resource, there *resource.Resource) error {
	kind := map[string]string{"group": res.Group, "version": res.Version, "kind": res.Kind, "plural": res.Plural, "make": "false"}
	if res.External {
		kind["external-api-path"], kind["external-api-domain"] = res.Path, res.Domain
	}
	if there == nil {
		if err := r.createAPI(kind, res); err != nil {
			return err
		}
	}
	if hooks := res.Webhooks; hooks != nil && !hooks.IsEmpty() {
		return r.command(CreateWebhook(), with(kind, map[string]string{
			"defaulting": fmt.Sprint(hooks.Defaulting), "programmatic-validation": fmt.Sprint(hooks.Validation), "conversion": fmt.Sprint(hooks.Conversion),
			"spoke": strings.Join(hooks.Spoke, ","), "defaulting-path": hooks.DefaultingPath, "validation-path": hooks.ValidationPath,
		}))
	}
	return nil
}

// createAPI creates the kind with its first loop, and then its others.
func (r replayed) createAPI(kind map[string]string, res resource.Resource) error {
	loops := res.GetControllerNames()
	if len(loops) == 0 && res.Controller {
		loops = []string{""}
	}
	api := res.HasAPI()
	for i := 0; i < len(loops) || api && i == 0; i++ {
		flags := with(kind, map[string]string{"resource": fmt.Sprint(api && i == 0), "controller": fmt.Sprint(i < len(loops))})
		if api && i == 0 {
			flags["namespaced"], flags["ssa"] = fmt.Sprint(res.API.Namespaced), fmt.Sprint(res.API.SSA)
		}
		if i < len(loops) {
			flags["controller-name"] = loops[i]
			flags["plain"] = fmt.Sprint(!r.hasRoom(loops[i], res))
		}
		if err := r.command(CreateAPI(), flags); err != nil {
			return err
		}
	}
	return nil
}

// hasRoom is whether the loop has a room in the project; else it is one of kubebuilder's controllers.
func (r replayed) hasRoom(name string, res resource.Resource) bool {
	_, err := os.Stat(path.Join(r.project, namesOf(name, &res, r.config.IsMultiGroup()).Dir, "controller.go"))
	return err == nil
}

func (r replayed) command(c Command, flags map[string]string) error {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.BindFlags(set)
	for name, value := range flags {
		if value == "" {
			continue
		}
		if err := set.Set(name, value); err != nil {
			return fmt.Errorf("setting --%s: %w", name, err)
		}
	}
	_, err := c.do(r.project)
	return err
}

func with(one, other map[string]string) map[string]string {
	all := map[string]string{}
	for _, flags := range []map[string]string{one, other} {
		for name, value := range flags {
			all[name] = value
		}
	}
	return all
}
