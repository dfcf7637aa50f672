// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/attached.h"
#include "app/display.h"
#include "app/ending_signals.h"
#include "app/pictured_portal.h"
#include "app/pictures.h"
#include "app/portal_options.h"
#include "app/setting_options.h"
#include "app/standard_streams.h"
#include "app/start_marks.h"
#include "app/usage_error.h"
#include "app/version_text.h"
#include "core/base/data_directory.h"
#include "core/base/given_text.h"
#include "core/base/settings.h"
#include "core/base/stop_watchdog.h"
#include "core/base/system_clock.h"
#include "core/base/wire_locale.h"
#include "core/commands/report.h"
#include "core/demo/demo_stack.h"
#include "core/embedded/embedded_stack.h"
#include "ui/dialogs/confirm_dialog.h"
#include "ui/main_window.h"
#include "ui/pages/page_table.h"
#include "ui/support/local_choices.h"
#include "ui/support/portal_scheme.h"
#include "ui/support/settings_file.h"
#include "ui/widgets/history_panel.h"

#include <CLI/CLI.hpp>

#include <QApplication>
#include <QDesktopServices>
#include <QDir>
#include <QEventLoop>
#include <QTemporaryDir>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace portolan;

struct Options
{
    std::string attach;        ///< URL of a portal elsewhere, or the file of a stack; empty: none
    app::PortalOptions portal; ///< how that portal is reached
    bool here = false;         ///< the portal of this machine, said explicitly
    std::string situation;     ///< empty: a real portal, in this process
    app::SettingOptions local; ///< of that portal
    bool demo = false;
    std::string page;
    bool checkDisplay = false;
    bool readOnly = false;
    app::PictureOptions pictures;
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
    cli.set_version_flag("--version", app::versionText("portolan"));
    cli.add_option("--situation", options.situation, "Show a scripted deployment")->check(CLI::IsMember(situations));
    cli.add_option("--attach", options.attach,
                   "Show the portal at this URL, signed in to with the token in PORTAL_TOKEN, or the stack that this "
                   "file names")
        ->type_name("URL|FILE.toml");
    options.portal.addTo(cli);
    cli.add_flag("--local", options.here, "Show the portal of this machine, as without --attach");
    options.local.addTo(cli);
    cli.add_flag("--demo", options.demo, app::demoDescription);
    cli.add_option("--page", options.page, "Open this page")->check(CLI::IsMember(pages));
    cli.add_flag("--check-display", options.checkDisplay,
                 "Show nothing; exit code 0 when a window can be shown, 3 when not");
    cli.add_flag("--read-only", options.readOnly, "Look, and change nothing");
    options.pictures.addTo(cli);
}

/// What makes no sense together, told as CLI11 tells of what it does not understand.
void refuseMixtures(const Options &options)
{
    if (!options.situation.empty() && options.local.any())
        throw CLI::ValidationError("--situation", "a script takes no settings of a portal; leave one of them out");
    if (!options.attach.empty() && (options.here || options.demo || options.local.any() || !options.situation.empty()))
        throw CLI::ValidationError("--attach",
                                   "a portal elsewhere takes no settings of one here; leave one of them out");
    if ((options.attach.empty() || app::Attached::isFile(options.attach)) && options.portal.any())
        throw CLI::ValidationError("--ca, --pin, --through, --email",
                                   "these are of a portal elsewhere; say which with --attach URL");
}

/// For whoever looks at the terminal, or has no window to look at.
void tellNotStarted(const Error &error) { commands::report(error, "portolan"); }

/// Whether the portal runs, once its start is over.
bool comesUp(const LocalStack &stack)
{
    QEventLoop loop;
    QObject::connect(&stack, &LocalStack::stateChanged, &loop, [&] {
        if (stack.state() != LocalStack::State::Starting)
            loop.quit();
    });
    if (stack.state() == LocalStack::State::Starting)
        loop.exec();
    return stack.state() == LocalStack::State::Running;
}

/// What this console shows.
struct Source
{
    std::unique_ptr<app::Attached> attached; ///< what is elsewhere; null: the stack's
    std::unique_ptr<LocalStack> stack;       ///< null: none on this machine

    Deployment &deployment() const { return attached ? attached->deployment() : stack->deployment(); }
    void start() const
    {
        if (attached)
            attached->start();
        else if (stack->state() == LocalStack::State::Stopped)
            stack->start(stack->settings()); // what becomes of it is for the window to show
    }
};

/// Whether the command line says which portal is meant: what it has is somebody's.
bool namesPortal(const Options &options)
{
    const auto &local = options.local;
    return !options.attach.empty() || local.has("data_dir") || local.has("database.url") || local.has("redis.url");
}

/// The portal of this machine, or one that takes its place. Another kind is one more line here.
std::unique_ptr<LocalStack> makeStack(const Options &options, const std::optional<app::PictureTask> &pictures,
                                      const QString &scratch, const QSettings &settings, const Clock &clock)
{
    if (pictures && pictures->source == "embedded") { // made-up users only where nobody's are
        return std::make_unique<embedded::EmbeddedStack>(
            app::pictureSources(options.local, scratch), clock,
            embedded::EmbeddedStack::Options{.demonstration = options.pictures.demonstration,
                                             .notStarted = tellNotStarted});
    }
    if (options.situation.empty() && !pictures)
        return std::make_unique<embedded::EmbeddedStack>(
            options.demo ? app::demoSources(options.local) : options.local.sources(ui::rememberedChoices(settings)),
            clock, embedded::EmbeddedStack::Options{.demonstration = options.demo, .notStarted = tellNotStarted});
    demo::DemoOptions demoOptions;
    if (!options.situation.empty())
        demoOptions.situation = options.situation;
    auto stack = std::make_unique<demo::DemoStack>(demoOptions, clock);
    stack->play();
    return stack;
}

Result<std::unique_ptr<app::Attached>> attachTo(Result<client::RemoteDeployment::Spec> portal, const Clock &clock)
{
    if (!portal)
        return portal.error();
    return app::Attached::portal(std::move(*portal), clock);
}

/// Null: it is the portal of this machine that is to be shown.
Result<std::unique_ptr<app::Attached>> attach(const Options &options, const app::PicturedPortal *pictured,
                                              const Clock &clock)
{
    if (pictured)
        return attachTo(options.portal.spec(pictured->url(), pictured->token(), {}), clock);
    if (options.attach.empty())
        return std::unique_ptr<app::Attached>();
    const auto settings = Settings::load(options.local.sources());
    if (!settings)
        return settings.error();
    if (app::Attached::isFile(options.attach))
        return app::Attached::watch(options.attach, defaultDataDirectory(processEnvironment) / "watch", clock);
    return attachTo(
        options.portal.spec(options.attach, settings->secret("portal.token"), settings->secret("portal.password")),
        clock);
}

/// How long the portal inside may take to stop.
std::chrono::milliseconds stopTime(const Options &options, const QSettings &settings)
{
    const auto known = Settings::load(options.local.sources(ui::rememberedChoices(settings)));
    return StopWatchdog::margin + (known ? known->duration("shutdown.timeout") : std::chrono::seconds(10));
}

bool openInBrowser(const QUrl &url)
{
    bool opened = false;
    app::EndingSignals::openFor([&] { opened = QDesktopServices::openUrl(url); });
    return opened;
}

int show(QApplication &application, const Options &options, const std::optional<app::PictureTask> &pictures,
         const Clock &clock, std::unique_ptr<app::Attached> attached)
{
    QTemporaryDir scratch; // pictures are of fresh settings, and leave none
    const auto opened = ui::openSettings(
        pictures ? scratch.filePath("settings.ini")
                 : QSettings(QSettings::IniFormat, QSettings::UserScope, "portolan", "console").fileName());
    QSettings &settings = *opened.settings;
    if (pictures && pictures->source != "demo")
        settings.setValue(ui::HistoryPanel::spanKey, 0); // a portal that was just made has minutes to show
    const auto desktop = pictures ? nullptr : std::make_unique<ui::PortalScheme>();
    ui::Theme theme(application, settings, desktop.get());
    std::optional<StopWatchdog> watchdog; // over when the stack is gone
    Source source{std::move(attached), nullptr};
    if (!source.attached)
        source.stack = makeStack(options, pictures, scratch.path(), settings, clock);
    ui::DialogConfirmer confirmer;
    ui::MainWindow window({source.deployment(), source.stack.get(), confirmer, clock, settings, theme, openInBrowser,
                           ui::askWithSaveDialog,
                           options.situation.empty() && !options.demo && !pictures && !options.local.hasFile()},
                          {.readOnly = options.readOnly});
    confirmer.setOwner(&window);
    if (!options.page.empty())
        window.openPage(QString::fromStdString(options.page));
    if (!pictures) {
        window.show();
        if (!opened.problem.isEmpty())
            window.tell(opened.problem, false);
        app::markStart(window, source.deployment());
    }
    source.start();
    if (pictures && pictures->source == "embedded" && !comesUp(*source.stack))
        return 1; // there is nothing to show
    const int code = pictures ? app::takePictures(options.pictures, *pictures, QString::fromStdString(options.page),
                                                  window, theme, source.deployment())
                              : application.exec();
    watchdog.emplace(stopTime(options, settings), [] {
        std::cerr << "portolan: the portal took too long to stop, so the program ends without" << std::endl;
        std::_Exit(1);
    });
    return code;
}

} // namespace

int main(int argc, char **argv)
{
    app::openStandardStreams();
    Options options;
    CLI::App cli("A console for the people who run a small web portal.", "portolan");
    describe(cli, options);
    const auto arguments = givenArguments(argc, argv);
    try {
        app::parse(cli, arguments);
        refuseMixtures(options);
    } catch (const CLI::Success &asked) {
        return cli.exit(asked);
    } catch (const CLI::ParseError &wrong) {
        std::cerr << "portolan: " << app::usageError(cli, arguments, wrong) << '\n';
        return 2;
    }
    if (!options.attach.empty())
        options.pictures.sources = {app::Attached::isFile(options.attach) ? "watched" : "remote"};
    options.pictures.demonstration = !namesPortal(options);
    const auto pictures = options.pictures.wanted() ? app::pictureTask() : std::nullopt;
    if (options.pictures.wanted() && !pictures) {
        const QCoreApplication application(argc, argv);
        if (!QDir().mkpath(QString::fromStdString(options.pictures.folder))) {
            std::cerr << "portolan: the folder " << options.pictures.folder << " cannot be made\n";
            return 2;
        }
        return app::takeInChildren(options.pictures, QCoreApplication::arguments().mid(1));
    }
    std::signal(SIGPIPE, SIG_IGN);
    raiseFileLimit();
    app::EndingSignals ending;
    const auto application = app::openDisplay(argc, argv);
    useWireNumbers();
    if (options.checkDisplay)
        return 0;
    const SystemClock clock;
    const QTemporaryDir scratch;
    std::unique_ptr<app::PicturedPortal> pictured;
    if (pictures && pictures->source == "remote" && options.attach.empty()) {
        auto started = app::PicturedPortal::start(scratch.path());
        if (!started)
            return commands::report(started.error(), "portolan");
        pictured = std::move(*started);
    }
    auto attached = attach(options, pictured.get(), clock);
    if (!attached)
        return commands::report(attached.error(), "portolan");
    QApplication::setApplicationName("portolan");
    ending.listen([] {
        for (QWidget *window : QApplication::topLevelWidgets()) {
            if (auto *console = qobject_cast<ui::MainWindow *>(window))
                console->end();
        }
        QApplication::closeAllWindows();
    });
    return show(*application, options, pictures, clock, std::move(*attached));
}
