package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/internal/cli/objects"
	"github.com/orrery-dev/orrery/internal/cli/tree"
	"github.com/spf13/cobra"
)

// completionPatience is how long a person who has pressed Tab waits for what is looked up. After that there is nothing to offer.
const completionPatience = 2 * time.Second

// mostNames is how many names of a kind are looked at.
const mostNames = 1000

// addCompletion says what completes the arguments and flags of the commands: what the running instance has. An instance that is
// not there, or does not answer in time, offers nothing, and never an error.
func (t *target) addCompletion(root *cobra.Command) {
	for name, complete := range map[string]cobra.CompletionFunc{
		"kubectl":         t.completeKubectl,
		"plan":            t.completeObjects(func(*cobra.Command) []string { return t.loopNames() }, anyKind),
		"explain":         t.completeObjects(nil, explainedKinds),
		"explain traffic": t.completeObjects(nil, endsOfTraffic),
		"tree":            t.completeObjects(nil, anyKind),
		"events":          t.completeObjects(nil, anyKind),
		"logs":            t.completeLogs,
	} {
		if c, _, err := root.Find(strings.Fields(name)); err == nil && c.CommandPath() == root.Name()+" "+name {
			c.ValidArgsFunction = complete
		}
	}
	flags := map[string]cobra.CompletionFunc{
		"name":      t.completeInstances,
		"namespace": t.completeNamespaces,
		"naming":    cobra.FixedCompletions([]string{"kubernetes", "orrery"}, cobra.ShellCompDirectiveNoFileComp),
		"runtime":   cobra.FixedCompletions([]string{containerdRuntime, simulatedRuntime}, cobra.ShellCompDirectiveNoFileComp),
		"data-dir":  cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		"tree":      t.completeObjects(nil, anyKind),
	}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for name, complete := range flags {
			if c.LocalFlags().Lookup(name) != nil {
				_ = c.RegisterFlagCompletionFunc(name, complete) // the flag is there, and has no other
			}
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(root)
}

// anyKind lets a command be asked for objects of any kind.
func anyKind(*cobra.Command, objects.Kind) bool { return true }

// explainedKinds are those that 'explain' speaks of; all, with --history.
func explainedKinds(c *cobra.Command, kind objects.Kind) bool {
	past, err := c.Flags().GetBool("history")
	return err == nil && past || kind.Group == "" && slices.Contains([]string{"Pod", "Service", claimKind, volumeKind}, kind.GroupVersionKind.Kind)
}

// endsOfTraffic are the kinds that can be named as who opens a connection, and to whom.
func endsOfTraffic(_ *cobra.Command, kind objects.Kind) bool {
	return kind.Group == "" && slices.Contains([]string{"Pod", "Service", "Node"}, kind.GroupVersionKind.Kind)
}

// completeObjects completes KIND/NAME, and the words that more offers, which may be nil.
func (t *target) completeObjects(more func(*cobra.Command) []string, kinds func(*cobra.Command, objects.Kind) bool) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
		defer cancel()
		ground, err := accessOf(c).ground(t, completionPatience)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		kindWord, _, named := strings.Cut(word, "/")
		if !named {
			words := kindWords(ground, func(k objects.Kind) bool { return kinds(c, k) })
			if more != nil {
				words = append(words, more(c)...)
			}
			return beginning(words, word), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		kind, err := ground.Kind(kindWord)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginning(t.names(ctx, c, ground, kind, kindWord+"/"), word), cobra.ShellCompDirectiveNoFileComp
	}
}

// names are those of the objects of a kind, each behind a prefix.
func (t *target) names(ctx context.Context, c *cobra.Command, ground tree.Ground, kind objects.Kind, prefix string) []string {
	namespace := "default"
	if flag := c.Flags().Lookup("namespace"); flag != nil && flag.Value.String() != "" {
		namespace = flag.Value.String()
	}
	list, err := ground.List(ctx, kind, namespace, mostNames)
	if err != nil {
		return nil
	}
	names := make([]string, len(list))
	for i := range list {
		names[i] = prefix + list[i].Name
	}
	return names
}

// kindWords are "KIND/" for the kinds that can be named so, each by its first name, in the order of the alphabet.
func kindWords(ground tree.Ground, wanted func(objects.Kind) bool) []string {
	var words []string
	for _, kind := range ground.Kinds() {
		second := ground.SecondNames && ground.Canonical(kind.GroupKind()) != kind.GroupKind()
		word := strings.ToLower(kind.GroupVersionKind.Kind) + "/"
		if kind.Listable && !second && wanted(kind) && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

func beginning(words []string, with string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, with) })
}

// accessOf is how a command reaches its cluster, by its flags.
func accessOf(c *cobra.Command) *access {
	a := &access{}
	for name, value := range map[string]*string{"kubeconfig": &a.kubeconfig, "context": &a.context} {
		if flag := c.Flags().Lookup(name); flag != nil {
			*value = flag.Value.String()
		}
	}
	return a
}

// loopNames are those of the running instance, which 'plan' takes alone.
func (t *target) loopNames() []string {
	inst, err := t.instance()
	if err != nil || !inst.Running() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	loops, err := inst.Loops(ctx)
	if err != nil {
		return nil
	}
	names := make([]string, len(loops))
	for i, l := range loops {
		names[i] = l.Name
	}
	return names
}

func (t *target) completeNamespaces(c *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
	defer cancel()
	ground, err := accessOf(c).ground(t, completionPatience)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	kind, err := ground.Kind("namespace")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return beginning(t.names(ctx, c, ground, kind, ""), word), cobra.ShellCompDirectiveNoFileComp
}

// completeLogs completes the names of what has a log.
func (t *target) completeLogs(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	inst, err := t.instance()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	logs, _ := filepath.Glob(inst.Path("log", "*.log")) // the pattern is well formed
	for i := range logs {
		logs[i] = strings.TrimSuffix(filepath.Base(logs[i]), ".log")
	}
	return beginning(logs, word), cobra.ShellCompDirectiveNoFileComp
}

// completeInstances completes the names of the instances in the data directory.
func (t *target) completeInstances(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	instances, err := t.instances()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, inst := range instances {
		names = append(names, inst.Name)
	}
	return beginning(names, word), cobra.ShellCompDirectiveNoFileComp
}

// completeKubectl leaves the arguments of kubectl to kubectl, in a process of its own: it ends the process where it fails.
func (t *target) completeKubectl(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	self, err := os.Executable()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
	defer cancel()
	line := append([]string{"--data-dir", t.dataDir, "--name", t.name, "kubectl", cobra.ShellCompRequestCmd}, args...)
	kubectl := exec.CommandContext(ctx, self, append(line, word)...)
	kubectl.WaitDelay = completionPatience / 4
	said, err := kubectl.Output()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return parseCompletions(said)
}

// parseCompletions reads what a program of cobra's answers: a completion a line, and ":DIRECTIVE" at the end.
func parseCompletions(said []byte) ([]string, cobra.ShellCompDirective) {
	lines := strings.Split(string(bytes.TrimRight(said, "\n")), "\n")
	last, isDirective := strings.CutPrefix(lines[len(lines)-1], ":")
	directive, err := strconv.Atoi(last)
	if !isDirective || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return lines[:len(lines)-1], cobra.ShellCompDirective(directive)
}
