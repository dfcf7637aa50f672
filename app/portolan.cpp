#include "app/display.h"
#include "app/ending_signals.h"
#include "app/setting_options.h"
#include "app/start_marks.h"
#include "core/base/data_directory.h"
#include "core/base/system_clock.h"
#include "core/demo/demo_stack.h"
#include "core/server/embedded_stack.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/main_window.h"
#include "ui/pages/page_table.h"
#include "ui/screenshots.h"
#include "ui/support/settings_file.h"

#include <CLI/CLI.hpp>

#include <QApplication>
#include <QDesktopServices>
#include <QProcess>
#include <QTemporaryDir>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace portolan;

struct Options
{
    std::string situation;     ///< empty: a real portal, in this process
    app::SettingOptions local; ///< of that portal
    bool demo = false;
    std::string page;
    bool checkDisplay = false;
    bool readOnly = false;
    std::string screenshots;
    std::string theme = "both";
    std::vector<double> scales{1.0};
    std::string source = "demo";
};

template <class Range, class Name> std::vector<std::string> namesOf(const Range &range, Name name)
{
    std::vector<std::string> names;
    for (const auto &one : range)
        names.push_back(name(one));
    return names;
}

void describe(CLI::App &cli, Options &options)
{
    const auto situations = namesOf(demo::situations(), [](const auto &s) { return std::string(s.name); });
    const auto pages = namesOf(ui::pageTable(), [](const auto &p) { return p.id.toStdString(); });
    cli.add_option("--situation", options.situation, "Show a scripted deployment")->check(CLI::IsMember(situations));
    options.local.addTo(cli);
    cli.add_flag("--demo", options.demo, app::demoDescription);
    cli.add_option("--page", options.page, "Open this page")->check(CLI::IsMember(pages));
    cli.add_flag("--check-display", options.checkDisplay,
                 "Show nothing; exit code 0 when a window can be shown, 3 when not");
    cli.add_flag("--read-only", options.readOnly, "Look, and change nothing");
    auto *pictures = cli.add_option("--screenshots", options.screenshots, "Take pictures of the pages into a folder");
    pictures->type_name("DIR");
    cli.add_option("--theme", options.theme, "Of the pictures")->check(CLI::IsMember({"light", "dark", "both"}));
    cli.add_option("--scale", options.scales, "Of the pictures: 1,1.5")->delimiter(',')->check(CLI::Range(0.5, 4.0));
    cli.add_option("--source", options.source, "What the pictures show")->check(CLI::IsMember({"demo"}));
}

/// The portal this console shows. Another kind is one more line here.
std::unique_ptr<LocalStack> makeStack(const Options &options, const Clock &clock)
{
    if (options.situation.empty() && options.screenshots.empty())
        return std::make_unique<server::EmbeddedStack>(
            options.demo ? app::demoSources(options.local) : options.local.sources(), clock,
            server::EmbeddedStack::Options{.demonstration = options.demo});
    demo::DemoOptions demoOptions;
    if (!options.situation.empty())
        demoOptions.situation = options.situation;
    auto stack = std::make_unique<demo::DemoStack>(demoOptions, clock);
    stack->play();
    return stack;
}

/// A scale is a matter of the whole process, so each has one of its own.
int takeInChildren(const Options &options, QStringList arguments)
{
    int status = 0;
    for (const double scale : options.scales) {
        QProcess child;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert("QT_SCALE_FACTOR", QString::number(scale));
        environment.insert("PORTOLAN_SCREENSHOT_SCALE", QString::number(std::lround(scale * 100)));
        child.setProcessEnvironment(environment);
        child.setProcessChannelMode(QProcess::ForwardedChannels);
        child.start(QCoreApplication::applicationFilePath(), arguments);
        if (!child.waitForFinished(120'000) || child.exitStatus() != QProcess::NormalExit || child.exitCode() != 0)
            status = 1;
    }
    return status;
}

int show(QApplication &application, const Options &options, int scalePercent)
{
    const bool pictures = !options.screenshots.empty();
    QTemporaryDir scratch; // pictures are of fresh settings, and leave none
    const auto opened = ui::openSettings(
        pictures ? scratch.filePath("settings.ini")
                 : QSettings(QSettings::IniFormat, QSettings::UserScope, "portolan", "console").fileName());
    QSettings &settings = *opened.settings;
    const SystemClock clock;
    ui::Theme theme(application, settings);
    const std::unique_ptr<LocalStack> stack = makeStack(options, clock);
    ui::DialogConfirmer confirmer;
    ui::MainWindow window({stack->deployment(), stack.get(), confirmer, clock, settings, theme,
                           [](const QUrl &url) { QDesktopServices::openUrl(url); }},
                          {.readOnly = options.readOnly});
    if (!options.page.empty())
        window.openPage(QString::fromStdString(options.page));
    if (!pictures) {
        window.show();
        if (!opened.problem.isEmpty())
            window.tell(opened.problem, false);
        app::markStart(window, stack->deployment());
        if (stack->state() == LocalStack::State::Stopped)
            stack->start(stack->settings()); // what becomes of it is for the window to show
        return application.exec();
    }
    ui::ScreenshotRequest request;
    request.folder = QDir(QString::fromStdString(options.screenshots));
    if (options.theme != "dark")
        request.themes << ui::Theme::Mode::Light;
    if (options.theme != "light")
        request.themes << ui::Theme::Mode::Dark;
    if (!options.page.empty())
        request.pages << QString::fromStdString(options.page);
    request.scalePercent = scalePercent;
    request.source = QString::fromStdString(options.source);
    const qsizetype expected =
        request.themes.size() * (request.pages.isEmpty() ? qsizetype(ui::pageTable().size()) : 1);
    const qsizetype written = ui::takeScreenshots(window, theme, request).size();
    std::cout << written << " pictures at " << scalePercent << " %\n";
    return written == expected ? 0 : 1;
}

} // namespace

int main(int argc, char **argv)
{
    Options options;
    CLI::App cli("A console for the people who run a small web portal.", "portolan");
    describe(cli, options);
    try {
        cli.parse(argc, argv);
    } catch (const CLI::Success &asked) {
        return cli.exit(asked);
    } catch (const CLI::ParseError &wrong) {
        std::cerr << "portolan: " << wrong.what() << " (see portolan --help)\n";
        return 2;
    }
    const int scalePercent = qEnvironmentVariableIntValue("PORTOLAN_SCREENSHOT_SCALE");
    if (!options.screenshots.empty() && scalePercent == 0) {
        const QCoreApplication application(argc, argv);
        if (!QDir().mkpath(QString::fromStdString(options.screenshots))) {
            std::cerr << "portolan: the folder " << options.screenshots << " cannot be made\n";
            return 2;
        }
        return takeInChildren(options, QCoreApplication::arguments().mid(1));
    }
    std::signal(SIGPIPE, SIG_IGN);
    raiseFileLimit();
    app::EndingSignals ending;
    const auto application = app::openDisplay(argc, argv);
    if (options.checkDisplay)
        return 0;
    QApplication::setApplicationName("portolan");
    ending.listen([] { QApplication::closeAllWindows(); });
    return show(*application, options, scalePercent);
}
