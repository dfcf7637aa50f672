// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/worker_sentences.h"

#include "ui/support/format.h"

#include <QCoreApplication>
#include <QStringList>

namespace portolan::ui {

namespace {

class Words final
{
    Q_DECLARE_TR_FUNCTIONS(Words)

public:
    static QString named(const std::vector<std::string> &names)
    {
        constexpr std::size_t most = 3;
        QStringList shown;
        for (std::size_t i = 0; i < names.size() && i < most; ++i)
            shown.append(QString::fromStdString(names[i]));
        const QString list = shown.join(", ");
        return names.size() > most ? tr("%1 and %n more", nullptr, int(names.size() - most)).arg(list) : list;
    }

    static QString holdingBack(const SharedQueueFigures &shared)
    {
        const QString way =
            " " + tr("Give it a queue of its own (tasks.queue), or set tasks.share_queue = true; growing "
                     "it here lets it take them all the same.");
        if (!shared.workers.empty())
            return tr("The worker takes no tasks: others take from its queue too (%1).").arg(named(shared.workers)) +
                   way;
        if (!shared.tasks.empty())
            return tr("The worker takes no tasks: tasks it does not know wait in its queue (%1).")
                       .arg(named(shared.tasks)) +
                   way;
        if (!shared.silent.empty())
            return tr("The worker takes no tasks yet: another one does not say which queues it takes from (%1).")
                .arg(named(shared.silent));
        return shared.looked ? tr("The worker takes no tasks: others used its queue.") + way
                             : tr("The worker takes no tasks yet: it looks who else uses its queue.");
    }

    static QString reason(const std::string &reason)
    {
        if (reason == "not-registered")
            return tr("of a name nobody registered");
        if (reason == "not-json")
            return tr("not JSON");
        if (reason == "too-large")
            return tr("too large");
        if (reason == "no-task")
            return tr("without a task's name");
        if (reason == "no-id")
            return tr("without an id");
        if (reason == "bad-header")
            return tr("with a bad header");
        if (reason == "bad-body")
            return tr("with a bad body");
        if (reason == "content-type" || reason == "content-encoding")
            return tr("of another content type");
        if (reason == "compressed")
            return tr("compressed");
        if (reason == "follow-up")
            return tr("with follow-ups that cannot be sent");
        return QString::fromStdString(reason);
    }

    static QString refused(const std::vector<RefusedFigures> &refused)
    {
        QStringList parts;
        for (const RefusedFigures &one : refused)
            parts.append(countText(one.messages) + " " + reason(one.reason));
        return tr("Messages it did not run since the start: %1.").arg(parts.join(", "));
    }
};

} // namespace

QString workerSentences(const WorkerFigures &worker)
{
    QStringList sentences;
    if (const auto &shared = worker.sharedQueue) {
        if (shared->holdingBack)
            sentences.append(Words::holdingBack(*shared));
        else if (!shared->workers.empty())
            sentences.append(
                Words::tr("The worker shares its queue with others (%1).").arg(Words::named(shared->workers)));
        if (shared->discarded.value_or(0) > 0)
            sentences.append(
                Words::tr("Tasks of this portal that others threw away: %1.").arg(countText(*shared->discarded)));
    }
    if (!worker.refused.empty())
        sentences.append(Words::refused(worker.refused));
    return sentences.join(" ");
}

} // namespace portolan::ui
