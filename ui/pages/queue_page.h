// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/models/table_model.h"
#include "ui/pages/page.h"
#include "ui/support/backlog_pace.h"
#include "ui/support/poll.h"

#include <QBoxLayout>
#include <QComboBox>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <map>
#include <string>

namespace portolan::ui {

class Card;
class FigureStrip;
class HistoryPanel;
class TableView;

/// A task, and for how many seconds it has run by the page's clock; nothing: it has not begun.
struct ListedTask
{
    TaskInfo task;
    std::optional<double> runtime;
    bool operator==(const ListedTask &) const = default;
};

/// The backlog, how fast it goes, who works on it, and the tasks themselves.
class QueuePage final : public Page
{
    Q_OBJECT

public:
    explicit QueuePage(const PageContext &context, QWidget *parent = nullptr);
    void showSnapshot(const Snapshot &snapshot) override;
    void refresh() override;
    QWidget *searchField() const override { return m_filter; }
    QString searched() const override { return tr("tasks"); }

private:
    void addCommands();
    void addWorkers(QBoxLayout &row);
    void addTasks(QBoxLayout &row);
    void ask();
    QFuture<Result<std::vector<WorkerInfo>>> askWorkers();
    void take(const Result<TaskList> &answer);
    void take(const Result<std::vector<WorkerInfo>> &answer);
    void showDetails();
    void showNote();
    void resize(int by);
    void showTasks(); ///< those that were listed last and are of the chosen place or outcome
    std::vector<const TaskInfo *> chosenTasks() const;
    std::vector<std::string> chosenIds() const;
    std::uint64_t sizeOf(const WorkerInfo &worker) const;
    Allowance mayResize(int by) const;
    Allowance mayRevoke() const;
    Allowance mayRerun() const;

    /// A size that was asked for and is not in the table yet: the next step starts from it.
    struct Wanted
    {
        std::uint32_t size = 0;
        int underWay = 0;
        bool settled = false; ///< before the workers were last asked about
    };

    TableModel<WorkerInfo, std::string> m_workers;
    std::map<std::string, Wanted> m_wanted; ///< by node
    TableModel<ListedTask, std::string> m_tasks;
    std::vector<ListedTask> m_allTasks; ///< that were listed last, of every place and outcome
    FigureStrip *m_figures;
    Poll<Result<TaskList>> m_taskPoll;
    Poll<Result<std::vector<WorkerInfo>>> m_workerPoll;
    HistoryPanel *m_history;
    Card *m_taskCard = nullptr;
    QString m_untaken; ///< what waits where no worker of ours takes it
    QString m_listed;  ///< whether all tasks are listed
    TableView *m_workerView = nullptr;
    TableView *m_taskView = nullptr;
    QLabel *m_workerNote = nullptr; ///< what is to be said of the worker; hidden while there is nothing
    QLineEdit *m_filter = nullptr;
    QComboBox *m_states = nullptr;
    QPlainTextEdit *m_details = nullptr;
    QAction *m_grow = nullptr;
    QAction *m_shrink = nullptr;
    QAction *m_revoke = nullptr;
    QAction *m_rerun = nullptr;
    BacklogPace m_pace;
};

/// How long the oldest task for our workers has waited at least, as its traffic light has it: "13 min", "none", "none
/// of ours" where others' alone wait, "unknown".
QString oldestText(const QueueFigures &queue);
/// How fast tasks come, at least: "5.4/min", "measuring" until it has been watched for long enough, "unknown".
QString arrivingText(const QueueFigures &queue, const BacklogPace &pace);
/// How long the backlog takes at this pace: "4 min", "never at this pace", "unknown". `growth`: nothing until it has
/// been watched for long enough, and then nobody can say.
QString drainText(const QueueFigures &queue, std::optional<double> growth = {});

} // namespace portolan::ui
