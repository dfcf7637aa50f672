// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "core/storage/migrations.h"
#include "core/storage/users_store.h"
#include "tests/bench/storage/many_users.h"
#include "ui/main_window.h"
#include "ui/widgets/time_chart.h"

#include <QAbstractItemView>
#include <QApplication>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QLineEdit>
#include <QPixmap>
#include <QTemporaryDir>
#include <QTimer>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

/// What only a program inside the console can time, on the offscreen platform: a frame of a chart with a million
/// points, and the users page on the embedded portal with a million users. Its last line is one JSON object; times in
/// ms. Arguments: how many points and users (a million).
using namespace portolan;
using namespace portolan::ui;

namespace {

constexpr int frames = 31;
constexpr int deadline = 30'000; ///< ms

class NobodyAsked final : public Confirmer
{
public:
    void ask(const Confirmation &, std::function<void(std::optional<std::string>)> answer) override { answer({}); }
};

[[noreturn]] void giveUp(const char *what)
{
    std::fprintf(stderr, "console_bench: %s\n", what);
    std::exit(1);
}

/// Turns the event loop until the condition holds, which is looked at after each of its events.
void waitFor(const std::function<bool()> &condition, const char *what)
{
    QElapsedTimer timer;
    timer.start();
    while (!condition()) {
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents | QEventLoop::AllEvents);
        if (timer.elapsed() > deadline)
            giveUp(what);
    }
}

double median(std::vector<double> values)
{
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Everything anew for each frame, as while somebody resizes the window.
double frameOfManyPoints(std::size_t count)
{
    const WallTime start{std::chrono::seconds(1'767'225'600)};
    Series series{metric::redisMemory, std::chrono::seconds(1), {}};
    series.points.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const double value = 15 + 10 * std::sin(double(i) / 5000) + double((i * 7919) % 1000) / 500;
        series.points.push_back({start + std::chrono::seconds(i), value, value, value});
    }
    TimeChart chart("Memory", [](double value) { return QString::number(value); });
    chart.resize(1000, 300);
    chart.show();
    std::vector<TimeChart::Line> lines{{"memory", std::move(series)}};
    chart.setLines(std::move(lines), start, start + std::chrono::seconds(count));
    QPixmap picture(chart.size());
    std::vector<double> times;
    for (int i = 0; i < frames; ++i) {
        QElapsedTimer timer;
        timer.start();
        chart.resize(1000 - i, 300);
        chart.render(&picture);
        times.push_back(double(timer.nsecsElapsed()) / 1e6);
    }
    return median(times);
}

void addUsers(const QTemporaryDir &folder, std::size_t count, const Clock &clock)
{
    IdGenerator ids(clock);
    storage::Database database(
        storage::DatabaseUrl::parse("sqlite:" + folder.filePath("portal.db").toStdString()).value());
    if (const auto done = storage::migrate(database, clock); done.has_error())
        giveUp(done.error().message.c_str());
    storage::addManyUsers(database, ids, count);
}

struct UsersPageTimes
{
    double open = 0;   ///< from the click to the first page of users being painted
    double search = 0; ///< the same from the return key, for an address in the middle
};

UsersPageTimes usersPage(std::size_t count)
{
    const QTemporaryDir folder;
    const SystemClock clock;
    addUsers(folder, count, clock);
    SettingSources sources;
    sources.commandLine = {{"data_dir", folder.path().toStdString()}, {"listen", "127.0.0.1:0"}};
    embedded::EmbeddedStack stack(sources, clock);
    QSettings settings(folder.filePath("settings.ini"), QSettings::IniFormat);
    Theme theme(*qApp, settings);
    NobodyAsked confirmer;
    MainWindow window(
        {stack.deployment(), &stack, confirmer, clock, settings, theme, [](const QUrl &) { return true; }}, {});
    window.show();
    stack.start(stack.settings());
    waitFor([&] { return stack.deployment().link() == LinkState::Live || stack.problem(); }, "the portal is not live");
    if (stack.problem())
        giveUp(stack.problem()->message.c_str());

    UsersPageTimes times;
    QElapsedTimer timer;
    timer.start();
    window.openPage("users");
    const auto views = window.page()->findChildren<QAbstractItemView *>();
    const auto accounts =
        std::ranges::find_if(views, [](const auto *view) { return view->accessibleName() == "Accounts"; });
    if (accounts == views.end())
        giveUp("there is no table of accounts");
    const auto rows = [view = *accounts] { return view->model()->rowCount(); };
    waitFor([&] { return rows() > 0; }, "no users came");
    (*accounts)->viewport()->repaint();
    times.open = double(timer.nsecsElapsed()) / 1e6;

    auto *search = qobject_cast<QLineEdit *>(window.page()->searchField());
    if (!search)
        giveUp("there is no search field");
    const int before = rows();
    search->setText("q7777");
    timer.start();
    emit search->returnPressed();
    waitFor([&] { return rows() > 0 && rows() != before; }, "the search found nothing");
    (*accounts)->viewport()->repaint();
    times.search = double(timer.nsecsElapsed()) / 1e6;
    return times;
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const double frame = frameOfManyPoints(count);
    const UsersPageTimes users = usersPage(count);
    std::printf("{\"frame\":%.2f,\"users_open\":%.2f,\"users_search\":%.2f}\n", frame, users.open, users.search);
    return 0;
}
