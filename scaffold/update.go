package scaffold

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/internal/version"
	"github.com/orrery-dev/orrery/scaffold/tree"
	"github.com/spf13/afero"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config/store"
	yamlstore "sigs.k8s.io/kubebuilder/v4/pkg/config/store/yaml"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
)

// updating brings a project up to what this version scaffolds.
type updating struct {
	make  bool
	adopt bool
}

// Update brings a project up to what this version scaffolds, and keeps what was edited.
func Update() Command { return &updating{} }

func (u *updating) BindFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&u.make, "make", true, "run go mod tidy and make manifests generate at the end, unless there are conflicts")
	flags.BoolVar(&u.adopt, "adopt", false, "for a project without a record: take all that is other than this version writes it for edits, and record that")
}

func (u *updating) About() (string, string) {
	return `Bring the project up to what this version of Orrery scaffolds. What was written into it stands word for word in
` + recordFile + `: so files that nobody edited are replaced, and in edited ones the changes between then and now are
merged, by git. Where both have changed the same lines, the file has both between markers, and is named.
Nothing is downloaded but what go mod tidy needs.

Where go.mod requires an older version of Orrery than this program is, it requires this one afterwards.`,
		`  orrery update --dry-run   # a diff of what would change
  orrery update
  go get github.com/orrery-dev/orrery@latest && go tool orrery update`
}

func (u *updating) do(string) ([]string, error) {
	files := machinery.Filesystem{FS: afero.NewOsFs()}
	project := yamlstore.New(files)
	if err := load(project); err != nil {
		return nil, err
	}
	if err := errors.Join(refuseOrrery(project.Config()), checkLayout(project.Config())); err != nil {
		return nil, err
	}
	wanted, err := scaffolded(".")
	if err != nil {
		return nil, fmt.Errorf("computing what this version writes: %w", err)
	}
	old, err := u.recorded(wanted)
	if err != nil {
		return nil, err
	}
	here, err := tree.Read(".")
	if err != nil {
		return nil, err
	}
	m := merging{labels: tree.Labels{Ours: "yours", Base: "as scaffolded by " + old.Version, Theirs: "as scaffolded by " + version.Get().Version}}
	updated, err := m.all(here, old.Files, wanted)
	if err != nil {
		return nil, err
	}
	if err := tree.Compare(here, updated).Apply("."); err != nil {
		return nil, err
	}
	if u.adopt {
		m.notes = append(m.notes, differing(here, wanted)...)
	}
	if err := (record{Version: version.Get().Version, Files: wanted}).write("."); err != nil {
		return nil, err
	}
	if err := u.finish(files, project); err != nil {
		return nil, err
	}
	if u.make && !m.conflicts {
		return m.notes, generate()
	}
	return m.notes, nil
}

// recorded is the project's record. Of one that has none, --adopt makes one.
func (u *updating) recorded(wanted tree.Tree) (*record, error) {
	old, err := readRecord(".")
	switch {
	case err != nil:
		return nil, err
	case old != nil && u.adopt:
		return nil, fmt.Errorf("--adopt is for projects without a record, and this one has %s: leave the flag out", recordFile)
	case old == nil && !u.adopt:
		return nil, fmt.Errorf("this project has no %s, which says what was scaffolded: with --adopt, what is other than this version writes it counts as edited, and later updates can tell", recordFile)
	case old == nil:
		return &record{Version: version.Get().Version, Files: wanted}, nil
	}
	return old, nil
}

// finish lets PROJECT and go.mod say which versions the project is of now.
func (u *updating) finish(files machinery.Filesystem, project store.Store) error {
	if err := project.Config().SetCliVersion(KubebuilderVersion); err != nil {
		return fmt.Errorf("writing the version into PROJECT: %w", err)
	}
	if err := project.Save(); err != nil {
		return fmt.Errorf("writing PROJECT: %w", err)
	}
	return raiseOrrery(files.FS, version.Get().Version)
}

// differing are notes of files that are other than this version writes them.
func differing(here, wanted tree.Tree) (notes []string) {
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		if file, there := here[path]; !there {
			notes = append(notes, path+" is not there, which counts as deleted by you")
		} else if file.Content != wanted[path].Content {
			notes = append(notes, path+" is other than this version writes it, which counts as edited by you")
		}
	}
	return notes
}

// merging merges what was scaffolded otherwise into a project.
type merging struct {
	labels    tree.Labels
	notes     []string
	conflicts bool
}

// all are the project's files as they become.
func (m *merging) all(here, was, wanted tree.Tree) (tree.Tree, error) {
	updated := maps.Clone(here)
	paths := slices.Concat(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(wanted)))
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		file, err := m.one(path, at(here, path), at(was, path), at(wanted, path))
		if err != nil {
			return nil, fmt.Errorf("merging %s: %w", path, err)
		}
		if file == nil {
			delete(updated, path)
			continue
		}
		updated[path] = *file
	}
	return updated, nil
}

// one is what becomes of a file that is here, was scaffolded, and is scaffolded otherwise now; nil is none.
func (m *merging) one(path string, here, was, wanted *tree.File) (*tree.File, error) {
	switch {
	case same(was, wanted), same(here, wanted):
		return here, nil
	case same(here, was):
		return wanted, nil
	case was == nil:
		m.note("%s is scaffolded now, and you have one already: it stays as it is", path)
		return here, nil
	case here == nil:
		m.note("%s has changed, and you have deleted it: it stays away", path)
		return nil, nil
	case wanted == nil:
		m.note("%s is scaffolded no more, and you have edited it: it stays", path)
		return here, nil
	}
	merged, conflicts, err := tree.Merge(here.Content, was.Content, wanted.Content, m.labels)
	if err != nil {
		return nil, err
	}
	if conflicts {
		m.conflicts = true
		m.note("%s has conflicts: choose between the lines marked with %s and %s", path, strings.Repeat("<", 7), strings.Repeat(">", 7))
	}
	return &tree.File{Content: merged, Mode: here.Mode}, nil
}

func (m *merging) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// same is whether two files say the same; permissions are a matter of who has the project.
func same(a, b *tree.File) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Content == b.Content
}

func at(t tree.Tree, path string) *tree.File {
	if file, known := t[path]; known {
		return &file
	}
	return nil
}
