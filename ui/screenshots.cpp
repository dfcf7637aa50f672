// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/screenshots.h"

#include "ui/pages/page_table.h"
#include "ui/support/on_answer.h"

#include <QCoreApplication>
#include <QEventLoop>
#include <QFuture>
#include <QPixmap>
#include <algorithm>
#include <map>

namespace portolan::ui {

namespace {

constexpr std::size_t enoughTasks = 3; ///< that have ended
constexpr std::chrono::seconds samplePatience{10};

/// Layouts, delayed answers and repaints take a few rounds of the event loop.
void settle()
{
    for (int round = 0; round < 5; ++round) {
        QCoreApplication::sendPostedEvents();
        QCoreApplication::processEvents();
    }
}

void letSamplesCome(Deployment &deployment, int count)
{
    QEventLoop loop;
    QTimer::singleShot(samplePatience, &loop, &QEventLoop::quit);
    QObject::connect(&deployment, &Deployment::sampled, &loop, [&] {
        if (--count == 0)
            loop.quit();
    });
    if (count > 0)
        loop.exec();
}

/// Looks at each sample, and asks for what is not in it, until there is what is wanted.
class DataWatch final : public QObject
{
public:
    DataWatch(Deployment &deployment, DataWanted wanted, std::size_t points, QEventLoop &loop)
        : m_deployment(deployment), m_all(wanted == DataWanted::OfEverything), m_points(points), m_loop(loop)
    {
        for (const char *what : {"requests", "key families", "connections", "accounts", "tasks", "history"})
            m_there[what] = false;
        connect(&deployment, &Deployment::sampled, this, &DataWatch::look);
    }

    QStringList missing() const
    {
        QStringList words;
        for (const auto &[what, there] : m_there) {
            if (!there)
                words << what;
        }
        return words;
    }

private:
    void look()
    {
        const auto snapshot = m_deployment.latest();
        if (!snapshot)
            return;
        note("requests", snapshot->http.traffic.p95 && snapshot->http.errorRate);
        note("key families", snapshot->families.families.size() > 2);
        note("connections", !snapshot->clients.groups.empty());
        onAnswer(this, m_deployment.ask(UsersQuestion{}),
                 [this](const Result<UserPage> &answer) { note("accounts", answer && !answer->items.empty()); });
        onAnswer(this, m_deployment.ask(TasksQuestion{}), [this](const Result<TaskList> &answer) {
            const auto ended = [](const TaskInfo &task) { return task.place == TaskPlace::Ended; };
            note("tasks", answer && std::size_t(std::ranges::count_if(answer->items, ended)) >= enoughTasks);
        });
        const HistoryQuery query{{metric::redisMemory}, snapshot->time - std::chrono::minutes(5), snapshot->time};
        onAnswer(this, m_deployment.ask(HistoryQuestion{query}), [this](const Result<std::vector<Series>> &answer) {
            note("history", answer && !answer->empty() && answer->front().points.size() >= m_points);
        });
    }

    void note(const char *what, bool there)
    {
        m_there[what] |= there || !m_all; // what was asked was answered
        if (missing().isEmpty())
            m_loop.quit();
    }

    Deployment &m_deployment;
    const bool m_all;
    const std::size_t m_points;
    QEventLoop &m_loop;
    std::map<QString, bool> m_there;
};

QString fileName(const ScreenshotRequest &request, const QString &page, Theme::Mode mode)
{
    return QString("%1-%2-%3-%4.png")
        .arg(page, mode == Theme::Mode::Dark ? "dark" : "light")
        .arg(request.scalePercent)
        .arg(request.source);
}

} // namespace

QStringList waitForData(Deployment &deployment, DataWanted wanted, std::size_t points,
                        std::chrono::milliseconds patience)
{
    QEventLoop loop;
    const DataWatch watch(deployment, wanted, points, loop);
    QTimer::singleShot(patience, &loop, &QEventLoop::quit);
    loop.exec();
    return watch.missing();
}

QStringList takeScreenshots(MainWindow &window, Theme &theme, Deployment &deployment, const ScreenshotRequest &request)
{
    QStringList written;
    const Theme::Mode before = theme.mode();
    window.show();
    settle();
    window.resize(request.size); // pictures need not fit the screen they are taken on
    for (const PageEntry &entry : pageTable()) {
        if (!request.pages.isEmpty() && !request.pages.contains(entry.id))
            continue;
        if (!window.openPage(entry.id))
            continue; // there is none here
        letSamplesCome(deployment, request.samples);
        for (const Theme::Mode mode : request.themes) {
            theme.setMode(mode);
            settle();
            const QString file = request.folder.filePath(fileName(request, entry.id, mode));
            if (window.grab().save(file))
                written << file;
        }
    }
    theme.setMode(before);
    return written;
}

} // namespace portolan::ui
