// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/queue_page.h"

#include "core/api/backlog.h"
#include "ui/pages/queue_lines.h"
#include "ui/pages/worker_sentences.h"
#include "ui/support/action_button.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/support/task_details.h"
#include "ui/support/words.h"
#include "ui/support/zones.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/figure_strip.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"

#include <QLabel>
#include <QPointer>
#include <algorithm>
#include <array>

namespace portolan::ui {

namespace {

constexpr std::uint32_t mostConcurrency = 1024; ///< of ResizeWorker

/// What is in a table of tasks by place, and by outcome where they have ended.
struct StateChoice
{
    const char *title;
    bool (*fits)(const TaskInfo &task);
};

constexpr StateChoice stateChoices[]{
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "all tasks"), [](const TaskInfo &) { return true; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "waiting"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Waiting; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "prefetched"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Reserved; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "scheduled"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Scheduled; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "running"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Running; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "succeeded"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Ended && task.state == "SUCCESS"; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "failed"),
     [](const TaskInfo &task) { return task.place == TaskPlace::Ended && task.state == "FAILURE"; }},
    {QT_TRANSLATE_NOOP("portolan::ui::QueuePage", "ended otherwise"),
     [](const TaskInfo &task) {
         return task.place == TaskPlace::Ended && task.state != "SUCCESS" && task.state != "FAILURE";
     }},
};

std::optional<double> runtimeOf(const TaskInfo &task, WallTime now)
{
    if (!task.started)
        return std::nullopt;
    // One that runs is listed anew with each sample.
    const WallTime until = task.ended.value_or(now);
    return std::max(0.0, std::chrono::duration<double>(until - *task.started).count());
}

const std::array workerColumns{
    Column<WorkerInfo>{QT_TRANSLATE_NOOP("tables", "Worker"), 16, [](const WorkerInfo &w) { return text(w.node); }},
    Column<WorkerInfo>{QT_TRANSLATE_NOOP("tables", "Size"), 5,
                       [](const WorkerInfo &w) { return countText(double(w.concurrency)); },
                       [](const WorkerInfo &w) { return QVariant(qulonglong(w.concurrency)); }},
    Column<WorkerInfo>{QT_TRANSLATE_NOOP("tables", "Busy"), 5,
                       [](const WorkerInfo &w) { return countText(double(w.active)); },
                       [](const WorkerInfo &w) { return QVariant(qulonglong(w.active)); }},
    Column<WorkerInfo>{QT_TRANSLATE_NOOP("tables", "Ended"), 8,
                       [](const WorkerInfo &w) { return countText(double(w.ended)); },
                       [](const WorkerInfo &w) { return QVariant(qulonglong(w.ended)); }},
};

const std::array taskColumns{
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Place"), 12, [](const ListedTask &t) { return placeText(t.task); },
                       nullptr, nullptr, true},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Outcome"), 12,
                       [](const ListedTask &t) { return outcomeWord(t.task); }, nullptr, nullptr, true,
                       [](const ListedTask &t) { return text(t.task.state); }},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Task"), 14, [](const ListedTask &t) { return text(t.task.name); }},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Runtime"), 8,
                       [](const ListedTask &t) { return t.runtime ? durationText(*t.runtime) : QStringLiteral("–"); },
                       [](const ListedTask &t) { return QVariant(t.runtime.value_or(-1)); }},
    Column<ListedTask>{
        QT_TRANSLATE_NOOP("tables", "Created"), 14,
        [](const ListedTask &t) {
            return t.task.created ? soonText(*t.task.created, std::chrono::system_clock::now()) : unknownText();
        },
        [](const ListedTask &t) {
            return QVariant(qlonglong(t.task.created.value_or(WallTime{}).time_since_epoch().count()));
        },
        nullptr, true,
        [](const ListedTask &t) { return t.task.created ? secondText(*t.task.created) : unknownText(); }},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Owner"), 16,
                       [](const ListedTask &t) {
                           return t.task.ownerAddress.empty() ? QStringLiteral("–") : text(t.task.ownerAddress);
                       },
                       nullptr, nullptr, false, nullptr, true},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Arguments"), 20,
                       [](const ListedTask &t) { return argumentsText(t.task); }, nullptr, nullptr, false, nullptr,
                       true},
};

std::string workerKey(const WorkerInfo &worker) { return worker.node; }
std::string taskKey(const ListedTask &listed) { return listed.task.id; }

/// What ends is counted, and not for long enough to say how often.
bool isPaceToCome(const QueueFigures &queue) { return !queue.endedPerSecond && queue.endedLately; }

} // namespace

QString oldestText(const QueueFigures &queue)
{
    if (queue.waiting == std::uint64_t{0})
        return QueuePage::tr("none");
    return waitingForOurs(queue) == std::uint64_t{0} ? QueuePage::tr("none of ours")
                                                     : durationText(queue.oldestWaiting);
}

QString arrivingText(const QueueFigures &queue, const BacklogPace &pace)
{
    const bool measuring = queue.waiting && (isPaceToCome(queue) || (queue.endedPerSecond && !pace.growth()));
    return measuring ? QueuePage::tr("measuring") : paceText(pace.arrivals(), queue.endedPerSecond);
}

QString drainText(const QueueFigures &queue, std::optional<double> growth)
{
    if (queue.untaken.value_or(0) > 0)
        return QueuePage::tr("no worker");
    const bool measuring = isPaceToCome(queue);
    if (!queue.waiting || (!measuring && (!queue.takenPerSecond || !queue.endedPerSecond)))
        return unknownText();
    if (*queue.waiting == 0)
        return QueuePage::tr("empty");
    // What is taken leaves the backlog only when it ends.
    const double backlog = double(*queue.waiting + queue.unacked.value_or(0));
    // How fast tasks end says nothing about those that come in.
    if (!growth || measuring)
        return QueuePage::tr("measuring");
    return *growth < 0 ? durationText(backlog / -*growth) : QueuePage::tr("never at this pace");
}

QueuePage::QueuePage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_workers(workerColumns, workerKey),
      m_tasks(taskColumns, taskKey),
      m_figures(
          new FigureStrip({tr("Waiting"), tr("Prefetched"), tr("Running"), tr("Scheduled"), tr("Arriving, at least"),
                           tr("Ended"), tr("Oldest waiting"), tr("Time to drain"), tr("Age")})),
      m_taskPoll(
          this, [this] { return this->context().shown.deployment().ask(TasksQuestion{}); },
          [this](const Result<TaskList> &answer) { take(answer); }),
      m_workerPoll(
          this, [this] { return askWorkers(); },
          [this](const Result<std::vector<WorkerInfo>> &answer) { take(answer); })
{
    std::vector<ChartKind> charts;
    charts.push_back({tr("Backlog"),
                      {{metric::queueWaiting, tr("waiting")}, {metric::queueUnacked, tr("held")}},
                      {Resource::Workers, Resource::OldestTask}});
    charts.push_back({tr("Tasks per second"),
                      {{metric::queueEnded, tr("ended")}, {metric::queueTaken, tr("taken")}},
                      {Resource::Workers, Resource::FailedTasks}});
    m_history = new HistoryPanel(this->context(), tr("Over time"), std::move(charts));
    addCommands();
    body()->addWidget(m_figures);
    auto *top = new AdaptiveRow;
    top->row().addWidget(m_history, 3);
    addExports(*m_history);
    addWorkers(top->row());
    body()->addWidget(top, 4);
    auto *bottom = new AdaptiveRow;
    addTasks(bottom->row());
    body()->addWidget(bottom, 4);
}

void QueuePage::addCommands()
{
    m_grow = addCommand(
        tr("Add slot"), "plus", QKeySequence("Ctrl++"), [this] { resize(1); }, [this] { return mayResize(1); });
    m_shrink = addCommand(
        tr("Remove slot"), "minus", QKeySequence("Ctrl+-"), [this] { resize(-1); }, [this] { return mayResize(-1); });
    m_revoke = addCommand(
        tr("Revoke"), "revoke", QKeySequence::Delete,
        [this] { this->context().gate.run(Action(RevokeTasks{chosenIds()})); }, [this] { return mayRevoke(); });
    m_rerun = addCommand(
        tr("Run again"), "rerun", QKeySequence("Ctrl+R"),
        [this] { this->context().gate.run(Action(RerunTasks{chosenIds()})); }, [this] { return mayRerun(); });
    makeDestructive(*m_revoke);
}

void QueuePage::addWorkers(QBoxLayout &row)
{
    auto *card = new Card(tr("Workers"));
    m_workerView = new TableView(m_workers, tr("Workers"), tr("No worker answers"));
    m_workerView->setSelectionMode(QAbstractItemView::SingleSelection);
    m_workerView->setRowsShown(3);
    card->body()->addWidget(m_workerView, 1);
    m_workerNote = new QLabel;
    m_workerNote->setWordWrap(true);
    m_workerNote->setTextFormat(Qt::PlainText);
    m_workerNote->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    m_workerNote->setAccessibleName(tr("About the worker"));
    m_workerNote->hide();
    card->body()->addWidget(m_workerNote);
    auto *buttons = new ButtonRow;
    buttons->addWidget(buttonOf(m_grow));
    buttons->addWidget(buttonOf(m_shrink));
    card->body()->addWidget(buttons);
    connect(m_workerView, &TableView::selected, this, &Page::updateCommands);
    row.addWidget(card, 2);
}

void QueuePage::addTasks(QBoxLayout &row)
{
    m_taskCard = new Card(tr("Tasks"));
    m_filter = new QLineEdit;
    m_filter->setPlaceholderText(tr("Filter (Ctrl+F)"));
    m_filter->setAccessibleName(tr("Filter tasks"));
    m_filter->setClearButtonEnabled(true);
    m_states = new QComboBox;
    m_states->setAccessibleName(tr("Which tasks"));
    for (const StateChoice &choice : stateChoices)
        m_states->addItem(tr(choice.title));
    m_taskCard->head()->addWidget(m_states);
    m_taskCard->head()->addWidget(m_filter);
    m_taskView = new TableView(m_tasks, tr("Tasks"), tr("No tasks waiting, running or recently ended"));
    m_taskView->setRowsShown(4);
    m_taskCard->body()->addWidget(m_taskView, 1);
    auto *buttons = new ButtonRow;
    buttons->addWidget(buttonOf(m_revoke));
    buttons->addWidget(buttonOf(m_rerun));
    m_taskCard->body()->addWidget(buttons);
    row.addWidget(m_taskCard, 2);

    auto *card = new Card(tr("Details"));
    m_details = new QPlainTextEdit;
    m_details->setReadOnly(true);
    m_details->setFrameShape(QFrame::NoFrame);
    m_details->setTabChangesFocus(true);
    m_details->setAccessibleName(tr("Details of the task"));
    m_details->setPlaceholderText(tr("Select a task to see its arguments, result or error"));
    card->body()->addWidget(m_details, 1);
    row.addWidget(card, 1);
    connect(m_states, &QComboBox::currentIndexChanged, this, &QueuePage::showTasks);
    connect(m_filter, &QLineEdit::textChanged, m_taskView, &TableView::setFilter);
    connect(m_taskView, &TableView::selected, this, [this] {
        showDetails();
        updateCommands();
    });
}

std::vector<const TaskInfo *> QueuePage::chosenTasks() const
{
    std::vector<const TaskInfo *> chosen;
    if (m_taskView) {
        for (const int row : m_taskView->selectedSourceRows())
            chosen.push_back(&m_tasks.row(row).task);
    }
    return chosen;
}

std::vector<std::string> QueuePage::chosenIds() const
{
    std::vector<std::string> ids;
    for (const TaskInfo *task : chosenTasks())
        ids.push_back(task->id);
    return ids;
}

Allowance QueuePage::mayResize(int by) const
{
    const Allowance allowed = context().gate.allowed(Action(ResizeWorker{}));
    if (!allowed.available)
        return allowed;
    const int row = m_workerView ? m_workerView->currentSourceRow() : -1;
    if (row < 0)
        return {false, tr("Select a worker first.")};
    const std::uint64_t size = sizeOf(m_workers.row(row));
    if (by < 0 && size == 0)
        return {false, tr("It runs no tasks already.")};
    if (by > 0 && size >= mostConcurrency)
        return {false, tr("It is as large as it gets.")};
    return {};
}

void QueuePage::resize(int by)
{
    const int row = m_workerView->currentSourceRow();
    if (row < 0)
        return;
    const WorkerInfo worker = m_workers.row(row);
    const auto size = std::uint32_t(std::clamp<std::int64_t>(std::int64_t(sizeOf(worker)) + by, 0, mostConcurrency));
    const Action action = ResizeWorker{size, worker.own ? std::string() : worker.node};
    // What is asked about first may come to nothing, and nobody says so.
    const bool counts = !traitsOf(action).destructive;
    if (counts) {
        Wanted &wanted = m_wanted[worker.node];
        wanted.size = size;
        ++wanted.underWay;
        wanted.settled = false;
    }
    context().gate.run(action, [self = QPointer<QueuePage>(this), node = worker.node, size, counts](bool worked) {
        if (!self)
            return;
        Wanted &wanted = self->m_wanted[node];
        if (counts)
            --wanted.underWay;
        else if (worked)
            wanted = {size, wanted.underWay, false};
        if (!worked && wanted.underWay == 0)
            self->m_wanted.erase(node);
        self->updateCommands();
    });
    updateCommands();
}

/// As it was last asked to be, or as it is.
std::uint64_t QueuePage::sizeOf(const WorkerInfo &worker) const
{
    const auto wanted = m_wanted.find(worker.node);
    return wanted == m_wanted.end() ? worker.concurrency : wanted->second.size;
}

Allowance QueuePage::mayRevoke() const
{
    const Allowance allowed = context().gate.allowed(Action(RevokeTasks{}));
    if (!allowed.available)
        return allowed;
    const auto chosen = chosenTasks();
    if (chosen.empty())
        return {false, tr("Select a task first.")};
    if (chosen.size() > mostTasksAtOnce)
        return {false, tr("At most %1 tasks at once.").arg(mostTasksAtOnce)};
    const auto ended = [](const TaskInfo *task) { return task->place == TaskPlace::Ended; };
    if (std::ranges::all_of(chosen, ended))
        return {false, chosen.size() == 1 ? tr("It has ended.") : tr("They have ended.")};
    return {};
}

Allowance QueuePage::mayRerun() const
{
    const Allowance allowed = context().gate.allowed(Action(RerunTasks{}));
    if (!allowed.available)
        return allowed;
    const auto chosen = chosenTasks();
    if (chosen.empty())
        return {false, tr("Select a task first.")};
    if (chosen.size() > mostTasksAtOnce)
        return {false, tr("At most %1 tasks at once.").arg(mostTasksAtOnce)};
    for (const TaskInfo *task : chosen) {
        if (task->place != TaskPlace::Ended)
            return {false, tr("It has not ended.")};
        if (task->rerunnable)
            continue;
        return {false, task->state == "REVOKED" ? tr("No worker has taken it out of the queue yet.")
                                                : tr("What it was called with is no longer kept.")};
    }
    return {};
}

void QueuePage::showDetails()
{
    const auto chosen = chosenTasks();
    QString details;
    if (chosen.size() == 1)
        details = taskDetails(*chosen.front());
    else if (!chosen.empty())
        details = tr("%1 tasks selected").arg(chosen.size());
    if (m_details->toPlainText() != details)
        m_details->setPlainText(details);
}

void QueuePage::showTasks()
{
    const StateChoice &choice = stateChoices[std::max(0, m_states->currentIndex())];
    std::vector<ListedTask> shown;
    std::ranges::copy_if(m_allTasks, std::back_inserter(shown),
                         [&](const ListedTask &listed) { return choice.fits(listed.task); });
    m_taskView->setWhenEmpty(m_allTasks.empty() ? tr("No tasks waiting, running or recently ended")
                                                : tr("None of the %1 tasks is among these").arg(m_allTasks.size()));
    m_tasks.setRows(std::move(shown));
    showDetails();
    updateCommands();
}

void QueuePage::showSnapshot(const Snapshot &snapshot)
{
    showNotTold(snapshot, {"queue", "lists"});
    const QueueFigures &queue = snapshot.queue;
    const auto sampleAge = std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time);
    const auto age = queue.age ? std::optional(*queue.age + std::max(sampleAge, Age(0))) : std::nullopt;
    m_pace.add(snapshot.time, queue);
    if (const QString note = workerSentences(snapshot.workers); note != m_workerNote->text()) {
        m_workerNote->setText(note);
        m_workerNote->setVisible(!note.isEmpty());
    }
    const bool stale = !age || isStale(age, snapshot.sampling.staleAfter);
    // While nothing comes nothing is being measured.
    const auto ofPace = [stale](const QString &words) {
        return stale && words == tr("measuring") ? unknownText() : words;
    };
    m_figures->setValues(
        {countText(queue.waiting), countText(queue.reserved), countText(queue.running), countText(queue.scheduled),
         ofPace(arrivingText(queue, m_pace)),
         ofPace(isPaceToCome(queue) ? tr("measuring") : paceText(queue.endedPerSecond, m_pace.arrivals())),
         oldestText(queue), ofPace(drainText(queue, m_pace.growth())), ageText(age)},
        stale);
    m_taskView->setStale(stale);
    m_workerView->setStale(stale);
    m_history->showSnapshot(snapshot);
    m_untaken = untakenText(queue);
    showNote();
    ask();
}

void QueuePage::showNote()
{
    QStringList notes{m_untaken, m_listed};
    notes.removeAll(QString());
    m_taskCard->setNote(notes.join("  ·  "));
}

void QueuePage::ask()
{
    m_taskPoll.ask();
    m_workerPoll.ask();
}

void QueuePage::take(const Result<TaskList> &answer)
{
    if (answer) {
        m_allTasks.clear();
        for (const TaskInfo &task : answer->items)
            m_allTasks.push_back({task, runtimeOf(task, context().clock.wall())});
        m_listed = answer->complete ? QString() : tr("there are more than are listed");
        showNote();
        showTasks();
        return;
    }
    if (m_tasks.rows().empty())
        m_taskView->setWhenEmpty(errorText(answer.error()));
    updateCommands();
}

QFuture<Result<std::vector<WorkerInfo>>> QueuePage::askWorkers()
{
    for (auto &[node, wanted] : m_wanted)
        wanted.settled = wanted.underWay == 0;
    return context().shown.deployment().ask(WorkersQuestion{});
}

void QueuePage::take(const Result<std::vector<WorkerInfo>> &answer)
{
    if (answer) {
        // Sizes that were settled when it was asked are in the answer, whatever the worker made of them.
        std::erase_if(m_wanted, [](const auto &one) { return one.second.settled; });
        m_workers.setRows(*answer);
    } else if (m_workers.rows().empty()) {
        m_workerView->setWhenEmpty(errorText(answer.error()));
    }
    if (m_workerView->currentSourceRow() < 0 && !m_workers.rows().empty())
        m_workerView->selectRow(0);
    updateCommands();
}

void QueuePage::refresh()
{
    m_history->refresh();
    ask();
}

} // namespace portolan::ui
