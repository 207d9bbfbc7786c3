package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/objects"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/cli/restore"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
)

// snapshotPatience is how long an API server that has a snapshot may take for an answer. It is in this process.
const snapshotPatience = time.Minute

// namespaceRestore is what a person can choose about a restore of one namespace. Without one, all of the snapshot is meant.
type namespaceRestore struct {
	access                         access
	namespace, into, selector      string
	kinds, excludeKinds            []string
	overwrite, rebind, definitions bool
	dryRun                         bool
	format                         printer.Format
}

func (o *namespaceRestore) addFlags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVarP(&o.namespace, "namespace", "n", "", "`namespace` to restore alone, into a cluster that runs")
	flags.StringVar(&o.into, "into", "", "`namespace` to restore it as; by default under its own name")
	flags.StringSliceVar(&o.kinds, "kinds", nil, "`kinds` to restore, as kubectl calls them: deployments,cm; by default all")
	flags.StringSliceVar(&o.excludeKinds, "exclude-kinds", nil, "`kinds` not to restore")
	flags.StringVarP(&o.selector, "selector", "l", "", "`labels` of the objects to restore: app=web,tier!=cache; by default all")
	flags.BoolVar(&o.overwrite, "overwrite", false, "replace objects that exist and differ; by default what exists stays as it is")
	flags.BoolVar(&o.rebind, "rebind-volumes", false, "let PersistentVolumes that are Released go from the claims that are no more, for those that are restored")
	flags.BoolVar(&o.definitions, "include-crds", false, "make the CustomResourceDefinitions of what is restored, where the cluster does not know them")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print what would be done with each object, and do nothing")
	o.format.AddProseFlag(c)
	o.access.addReach(flags)
}

// check refuses flags that mean nothing together. changed reports that a flag was given.
func (o *namespaceRestore) check(changed func(string) bool) error {
	if o.namespace == "" {
		for _, flag := range []string{"into", "kinds", "exclude-kinds", "selector", "overwrite", "rebind-volumes", "include-crds", "dry-run", "output", "kubeconfig", "context"} {
			if changed(flag) {
				return fmt.Errorf("--%s is for the restore of one namespace: name it with --namespace", flag)
			}
		}
		return nil
	}
	if wrong := validation.IsDNS1123Label(cmp.Or(o.into, o.namespace)); len(wrong) > 0 {
		return fmt.Errorf("%q is no name of a namespace: %s", cmp.Or(o.into, o.namespace), strings.Join(wrong, ", "))
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return fmt.Errorf("--selector %q: %w", o.selector, err)
	}
	return nil
}

// request is what is asked for, of the kinds that the snapshot has.
func (o *namespaceRestore) request(kinds *objects.Finder) (restore.Request, error) {
	r := restore.Request{
		Namespace: o.namespace, Into: o.into,
		Overwrite: o.overwrite, RebindVolumes: o.rebind, Definitions: o.definitions,
	}
	var err error
	if o.selector != "" {
		if r.Selector, err = labels.Parse(o.selector); err != nil {
			return r, fmt.Errorf("--selector %q: %w", o.selector, err)
		}
	}
	if r.Kinds, err = namespacedKinds(kinds, "kinds", o.kinds); err != nil {
		return r, err
	}
	r.ExcludeKinds, err = namespacedKinds(kinds, "exclude-kinds", o.excludeKinds)
	return r, err
}

// namespacedKinds are the kinds that the words of a flag mean, by the first of their names.
func namespacedKinds(kinds *objects.Finder, flag string, words []string) ([]schema.GroupKind, error) {
	var meant []schema.GroupKind
	for _, word := range words {
		kind, err := kinds.Kind(word)
		switch {
		case err != nil:
			return nil, fmt.Errorf("--%s %s: the snapshot has no such kind: see 'orrery snapshot kubectl FILE api-resources --namespaced'", flag, word)
		case !kind.Namespaced:
			return nil, fmt.Errorf("--%s %s: %s lives in no namespace", flag, word, kind.GroupVersionKind.Kind)
		}
		meant = append(meant, apis.Kubernetes.GroupKind(kind.GroupKind()))
	}
	return meant, nil
}

// run restores a namespace from a file.
func (o *namespaceRestore) run(c *cobra.Command, t *target, inst *instance.Instance, file string) (err error) {
	config, err := o.access.rest(t)
	if err != nil {
		return err
	}
	config.QPS = -1 // the server's priority and fairness decides
	config.WarningHandler = rest.NewWarningWriter(c.ErrOrStderr(), rest.WarningWriterOptions{Deduplicate: true})
	cluster, err := restore.Reach(config)
	if err != nil {
		return err
	}
	saved, request, err := o.read(c.Context(), inst, file)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.print(c, saved, cluster, request)
	}
	say := func(s restore.Step) { c.Println(s) }
	if o.format.ForPrograms() {
		say = func(restore.Step) {}
	}
	report, err := restore.Run(c.Context(), saved, cluster, request, say)
	return errors.Join(printer.Prose(c.OutOrStdout(), o.format, report, func(out io.Writer) error {
		if len(report.Done) == 0 && len(report.Failed) == 0 && err == nil {
			fmt.Fprintln(out, "nothing to do")
		}
		_, err := io.WriteString(out, report.Text(false))
		return err
	}), unfinished(report, err))
}

// unfinished is the error of a restore that is not whole; nil for one that is.
func unfinished(report restore.Report, err error) error {
	var refused []string
	for _, f := range report.Failed {
		refused = append(refused, fmt.Sprintf("%s %s: %s", f.Verb, f.Object(), f.Error))
	}
	if err != nil {
		refused = append(refused, err.Error())
	}
	left := len(report.Failed) + len(report.Blocked)
	switch {
	case len(refused) > 0:
		return fmt.Errorf("not all could be restored; once that is mended, the same command goes on:\n  %s", strings.Join(refused, "\n  "))
	case left > 0:
		return fmt.Errorf("%d of the objects cannot be restored, as is said above", left)
	default:
		return nil
	}
}

// print prints the plan, and does nothing.
func (o *namespaceRestore) print(c *cobra.Command, saved *restore.Snapshot, cluster restore.Place, request restore.Request) error {
	world, err := restore.Observe(c.Context(), saved, cluster, request)
	if err != nil {
		return err
	}
	plan, err := restore.Make(world, request)
	if err != nil {
		return err
	}
	return printer.Prose(c.OutOrStdout(), o.format, plan, func(out io.Writer) error {
		_, err := io.WriteString(out, plan.Text())
		return err
	})
}

// read reads the namespace from the snapshot, by an API server that has a copy of it for that time.
func (o *namespaceRestore) read(ctx context.Context, inst *instance.Instance, file string) (saved *restore.Snapshot, request restore.Request, err error) {
	dir, err := os.MkdirTemp("", "orrery-snapshot-")
	if err != nil {
		return nil, request, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := serveSnapshot(ctx, inst, file, filepath.Join(dir, "copy"))
	if err != nil {
		return nil, request, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	config, err := server.Config(identity.Admin)
	if err != nil {
		return nil, request, err
	}
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	finder, err := objects.New(config, snapshotPatience)
	if err != nil {
		return nil, request, err
	}
	if request, err = o.request(finder); err != nil {
		return nil, request, err
	}
	copied, err := restore.Reach(config)
	if err != nil {
		return nil, request, err
	}
	saved, err = restore.Read(ctx, copied, firstNames(finder.Kinds()), o.namespace)
	return saved, request, err
}

// firstNames are the kinds without their second names, by which the same objects would be read again.
func firstNames(kinds []objects.Kind) []objects.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k objects.Kind) bool { return apis.Kubernetes.GroupKind(k.GroupKind()) != k.GroupKind() })
}
