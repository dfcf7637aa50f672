#include "ui/pages/queue_page.h"

#include "ui/pages/queue_lines.h"
#include "ui/pages/worker_sentences.h"
#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/support/zones.h"
#include "ui/widgets/adaptive_row.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/figure_strip.h"
#include "ui/widgets/history_panel.h"
#include "ui/widgets/table_view.h"

#include <QLabel>
#include <QPointer>
#include <array>

namespace portolan::ui {

namespace {

constexpr std::uint32_t mostConcurrency = 1024; ///< of ResizeWorker

QString placeWord(TaskPlace place)
{
    switch (place) {
    case TaskPlace::Waiting:
        return QueuePage::tr("waiting");
    case TaskPlace::Scheduled:
        return QueuePage::tr("scheduled");
    case TaskPlace::Reserved:
        return QueuePage::tr("prefetched");
    case TaskPlace::Running:
        return QueuePage::tr("running");
    case TaskPlace::Ended:
        return QueuePage::tr("ended");
    }
    return {};
}

QString stateText(const TaskInfo &task)
{
    if (task.place == TaskPlace::Ended)
        return text(task.state);
    QString words = placeWord(task.place);
    if (task.progress)
        words += QString(" %1 %").arg(int(*task.progress * 100));
    return words;
}

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
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "State"), 13, [](const ListedTask &t) { return stateText(t.task); },
                       nullptr, nullptr, true},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Task"), 14, [](const ListedTask &t) { return text(t.task.name); }},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Runtime"), 8,
                       [](const ListedTask &t) { return t.runtime ? durationText(*t.runtime) : QStringLiteral("–"); },
                       [](const ListedTask &t) { return QVariant(t.runtime.value_or(-1)); }},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Created"), 9,
                       [](const ListedTask &t) { return t.task.created ? clockText(*t.task.created) : unknownText(); },
                       nullptr, nullptr, true},
    Column<ListedTask>{QT_TRANSLATE_NOOP("tables", "Arguments"), 24,
                       [](const ListedTask &t) { return text(t.task.arguments); }},
};

std::string workerKey(const WorkerInfo &worker) { return worker.node; }
std::string taskKey(const ListedTask &listed) { return listed.task.id; }

QString detailsOf(const TaskInfo &task)
{
    QStringList lines{text(task.name), text(task.id), {}};
    const auto add = [&](const QString &name, const QString &value) {
        if (!value.isEmpty())
            lines << name + ": " + value;
    };
    add(QueuePage::tr("State"), text(task.state) + " (" + placeWord(task.place) + ")");
    add(QueuePage::tr("Queue"), QueuePage::tr("%1, priority %2").arg(text(task.queue)).arg(task.priority));
    add(QueuePage::tr("Progress"), text(task.note));
    for (const auto &[name, time] :
         {std::pair(QueuePage::tr("Created"), task.created), std::pair(QueuePage::tr("Started"), task.started),
          std::pair(QueuePage::tr("Ended"), task.ended), std::pair(QueuePage::tr("Due"), task.eta)})
        add(name, time ? dateTimeText(*time) : QString());
    add(QueuePage::tr("Arguments"), text(task.arguments));
    add(QueuePage::tr("Result"), text(task.result));
    add(QueuePage::tr("Error"), text(task.error));
    return lines.join('\n');
}

} // namespace

QString oldestText(const QueueFigures &queue)
{
    const bool nothing = queue.waiting == std::uint64_t{0} && queue.unacked.value_or(0) == 0;
    return nothing && !queue.oldest ? QueuePage::tr("none") : durationText(queue.oldest);
}

QString drainText(const QueueFigures &queue, std::optional<double> growth)
{
    if (queue.untaken.value_or(0) > 0)
        return QueuePage::tr("no worker");
    if (!queue.waiting || !queue.takenPerSecond || !queue.endedPerSecond)
        return unknownText();
    if (*queue.waiting == 0)
        return QueuePage::tr("empty");
    // What is taken leaves the backlog only when it ends.
    const double backlog = double(*queue.waiting + queue.unacked.value_or(0));
    if (growth)
        return *growth < 0 ? durationText(backlog / -*growth) : QueuePage::tr("never at this pace");
    return *queue.endedPerSecond > 0 ? durationText(backlog / *queue.endedPerSecond)
                                     : QueuePage::tr("never at this pace");
}

QueuePage::QueuePage(const PageContext &context, QWidget *parent)
    : Page(context, parent),
      m_workers(workerColumns, workerKey),
      m_tasks(taskColumns, taskKey),
      m_figures(new FigureStrip({tr("Waiting"), tr("Prefetched"), tr("Running"), tr("Scheduled"), tr("Arriving"),
                                 tr("Ended"), tr("Oldest"), tr("Time to drain"), tr("Age")})),
      m_taskPoll(
          this, [this] { return this->context().deployment.tasks({}); },
          [this](const Result<TaskList> &answer) { take(answer); }),
      m_workerPoll(
          this, [this] { return askWorkers(); },
          [this](const Result<std::vector<WorkerInfo>> &answer) { take(answer); })
{
    std::vector<ChartKind> charts;
    charts.push_back({tr("Backlog"),
                      {{Metric::QueueWaiting, tr("waiting")}, {Metric::QueueUnacked, tr("taken")}},
                      [](double v) { return countText(v); },
                      Resource::Queue});
    charts.push_back({tr("Tasks per second"),
                      {{Metric::QueueEnded, tr("ended")}, {Metric::QueueTaken, tr("taken")}},
                      [](double v) { return rateText(v); }});
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
        tr("Grow the worker"), "plus", QKeySequence("Ctrl++"), [this] { resize(1); }, [this] { return mayResize(1); });
    m_shrink = addCommand(
        tr("Shrink the worker"), "minus", QKeySequence("Ctrl+-"), [this] { resize(-1); },
        [this] { return mayResize(-1); });
    m_revoke = addCommand(
        tr("Revoke the task"), "revoke", QKeySequence::Delete,
        [this] {
            if (const TaskInfo *task = chosenTask())
                this->context().gate.run(Action(RevokeTask{task->id}));
        },
        [this] { return mayRevoke(); });
    m_rerun = addCommand(
        tr("Run the task again"), "rerun", QKeySequence("Ctrl+R"),
        [this] {
            if (const TaskInfo *task = chosenTask())
                this->context().gate.run(Action(RerunTask{task->id}));
        },
        [this] { return mayRerun(); });
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
    m_taskCard->head()->addWidget(m_filter);
    m_taskView = new TableView(m_tasks, tr("Tasks"), tr("No task waits, runs, or ended lately"));
    m_taskView->setSelectionMode(QAbstractItemView::SingleSelection);
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
    m_details->setPlaceholderText(tr("Choose a task to see its arguments, result or error"));
    card->body()->addWidget(m_details, 1);
    row.addWidget(card, 1);
    connect(m_filter, &QLineEdit::textChanged, m_taskView, &TableView::setFilter);
    connect(m_taskView, &TableView::selected, this, [this] {
        showDetails();
        updateCommands();
    });
}

const TaskInfo *QueuePage::chosenTask() const
{
    const int row = m_taskView ? m_taskView->currentSourceRow() : -1;
    return row < 0 ? nullptr : &m_tasks.row(row).task;
}

Capability QueuePage::mayResize(int by) const
{
    const Capability allowed = context().gate.allowed(Action(ResizeWorker{}));
    if (!allowed.available)
        return allowed;
    const int row = m_workerView ? m_workerView->currentSourceRow() : -1;
    if (row < 0)
        return {false, tr("Choose a worker first.").toStdString()};
    const std::uint64_t size = sizeOf(m_workers.row(row));
    if (by < 0 && size == 0)
        return {false, tr("It runs no tasks already.").toStdString()};
    if (by > 0 && size >= mostConcurrency)
        return {false, tr("It is as large as it gets.").toStdString()};
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

Capability QueuePage::mayRevoke() const
{
    const Capability allowed = context().gate.allowed(Action(RevokeTask{}));
    if (!allowed.available)
        return allowed;
    if (!chosenTask())
        return {false, tr("Choose a task first.").toStdString()};
    if (chosenTask()->place == TaskPlace::Ended)
        return {false, tr("It has ended.").toStdString()};
    return {};
}

Capability QueuePage::mayRerun() const
{
    const Capability allowed = context().gate.allowed(Action(RerunTask{}));
    return allowed.available && !chosenTask() ? Capability{false, tr("Choose a task first.").toStdString()} : allowed;
}

void QueuePage::showDetails()
{
    const TaskInfo *task = chosenTask();
    const QString details = task ? detailsOf(*task) : QString();
    if (m_details->toPlainText() != details)
        m_details->setPlainText(details);
}

void QueuePage::showSnapshot(const Snapshot &snapshot)
{
    showNotTold(snapshot, {"queue"});
    const QueueFigures &queue = snapshot.queue;
    const auto sampleAge = std::chrono::duration_cast<Age>(context().clock.wall() - snapshot.time);
    const auto age = queue.age ? std::optional(*queue.age + std::max(sampleAge, Age(0))) : std::nullopt;
    m_pace.add(snapshot.time, queue);
    if (const QString note = workerSentences(snapshot.workers); note != m_workerNote->text()) {
        m_workerNote->setText(note);
        m_workerNote->setVisible(!note.isEmpty());
    }
    m_figures->setValues({countText(queue.waiting), countText(queue.reserved), countText(queue.running),
                          countText(queue.scheduled), paceText(m_pace.arrivals()), paceText(queue.endedPerSecond),
                          oldestText(queue), drainText(queue, m_pace.growth()), ageText(age)},
                         !age || isStale(age, snapshot.sampling.staleAfter));
    m_taskView->setStale(!age || isStale(age, snapshot.sampling.staleAfter));
    m_workerView->setStale(!age || isStale(age, snapshot.sampling.staleAfter));
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
        std::vector<ListedTask> listed;
        for (const TaskInfo &task : answer->items)
            listed.push_back({task, runtimeOf(task, context().clock.wall())});
        m_tasks.setRows(std::move(listed));
        m_listed = answer->complete ? QString() : tr("there are more than are listed");
        showNote();
    } else if (m_tasks.rows().empty()) {
        m_taskView->setWhenEmpty(errorText(answer.error()));
    }
    showDetails();
    updateCommands();
}

QFuture<Result<std::vector<WorkerInfo>>> QueuePage::askWorkers()
{
    for (auto &[node, wanted] : m_wanted)
        wanted.settled = wanted.underWay == 0;
    return context().deployment.workers();
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
