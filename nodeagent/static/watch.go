package static

import (
	"context"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watchAgain is the rest before a path is watched again that could not be, as one where nothing is yet; the kubelet's figure.
const watchAgain = time.Second

// watch wakes the source when something changes at its path, until ctx ends.
func (l *Loop) watch(ctx context.Context) {
	for {
		l.listen(ctx)
		timer := l.Clock.NewTimer(watchAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
	}
}

// listen returns when the path can be watched no longer. Whatever is not heard of is seen when the path is read the next time.
func (l *Loop) listen(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		l.Log.V(1).Info("Reading static pods now and then only: the kernel does not tell of changes", "error", err.Error())
		return
	}
	defer func() { _ = watcher.Close() }() // nobody waits for it
	path := filepath.Clean(l.Path)
	if watcher.Add(path) != nil {
		return // there is nothing yet
	}
	l.engine.Wake(FileSource) // what was changed before it was watched
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-watcher.Events:
			if !ok {
				return
			}
			if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
				l.noteRemoved(event.Name)
			}
			l.engine.Wake(FileSource)
			if event.Name == path && (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) {
				return
			}
		case _, ok := <-watcher.Errors:
			l.engine.Wake(FileSource) // events may have been lost
			if !ok {
				return
			}
		}
	}
}
