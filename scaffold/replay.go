package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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

// replay computes what commands have written for a kind in the project of the working directory: the difference between a new
// project of the same settings and other kinds, with less of this one and with all of it. left nil is none of it.
func replay(c config.Config, res resource.Resource, left *resource.Resource) (tree.Changes, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	r, err := newReplayed(c, here)
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(r.kinds), func(other resource.Resource) bool { return other.GVK == res.GVK })
	var before, after tree.Tree
	err = r.anew(func() error {
		if err := r.createAll(others); err != nil {
			return err
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

// scaffolded is all that commands of this version write into the project in a folder, by what its PROJECT file says, but for that
// file and those of the module. Where there is no project, there is nothing.
func scaffolded(folder string) (written tree.Tree, err error) {
	if folder, err = filepath.Abs(folder); err != nil { // a folder called . has no files in it to afero
		return nil, err
	}
	project := yamlstore.New(machinery.Filesystem{FS: afero.NewBasePathFs(afero.NewOsFs(), folder)})
	if err := project.Load(); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading PROJECT: %w", err)
	}
	r, err := newReplayed(project.Config(), folder)
	if err != nil {
		return nil, err
	}
	err = r.anew(func() error {
		if err := r.createAll(r.kinds); err != nil {
			return err
		}
		written, err = tree.Read(".")
		return err
	})
	for _, kept := range []string{"PROJECT", "go.mod", "go.sum"} {
		delete(written, kept)
	}
	return written, err
}

// replayed is a project that is made anew after another.
type replayed struct {
	config   config.Config
	settings settings
	kinds    []resource.Resource
	// start are the files that it begins with.
	start   tree.Tree
	project string // the folder of the other
}

func newReplayed(c config.Config, folder string) (r replayed, err error) {
	r = replayed{config: c, project: folder, start: tree.Tree{}}
	if r.settings, err = settingsOf(c); err != nil {
		return r, err
	}
	if r.kinds, err = c.GetResources(); err != nil {
		return r, err
	}
	if text, err := os.ReadFile(filepath.Join(folder, boilerplates)); err == nil { // where a licence is, files begin with it
		r.start[boilerplates] = tree.File{Content: string(text), Mode: 0o644}
	}
	return r, nil
}

// anew calls do in a new project of the same settings without kinds.
func (r replayed) anew(do func() error) error {
	return inCopy(r.project, tree.Tree{}, func() error {
		if err := r.init(); err != nil {
			return err
		}
		return do()
	})
}

func (r replayed) init() error {
	init := Plugin{}.GetInitSubcommand().(*initSubcommand)
	init.requires = requireAny
	err := r.command(&command{sub: init, makes: true}, map[string]string{
		"domain": r.config.GetDomain(), "repo": r.config.GetRepository(), "project-name": r.config.GetProjectName(),
		"multigroup": fmt.Sprint(r.config.IsMultiGroup()), "namespaced": fmt.Sprint(r.config.IsNamespaced()),
		"plain": fmt.Sprint(r.settings.Plain), "license": "none", "fetch-deps": "false", "skip-go-version-check": "true",
	})
	return errors.Join(err, r.start.Write("."))
}

func (r replayed) createAll(kinds []resource.Resource) error {
	for _, kind := range kinds {
		if err := r.create(kind, nil); err != nil {
			return err
		}
	}
	return nil
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
