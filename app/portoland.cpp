// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/setting_options.h"
#include "app/standard_streams.h"
#include "app/usage_error.h"
#include "app/version_text.h"
#include "core/base/given_text.h"
#include "core/base/version.h"
#include "core/base/wire_locale.h"
#include "core/commands/commands.h"
#include "core/server/portal_server.h"
#include "core/showcase/demonstration.h"

#include <CLI/CLI.hpp>

#include <QCoreApplication>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace portolan;

using Which = app::SettingOptions::Which;

/// The commands, and what their options write into.
class CommandLine final
{
public:
    CommandLine();
    int run(int argc, char **argv); ///< the exit status

private:
    using Work = std::function<int(const SettingSources &)>;
    CLI::App *add(CLI::App &parent, const char *name, const char *about, Work work, Which which = Which::Common);
    void addServe();
    void addStatus();
    void addUsers();
    void addTokens();
    void addFiles();
    void addCheck();

    CLI::App m_app{"A small web portal and its server: accounts, limits, a task queue and stock analysis.",
                   "portoland"};
    app::SettingOptions m_settings;
    bool m_demo = false;
    commands::StatusRequest m_status;
    commands::UserRequest m_user;
    commands::TokenRequest m_token;
    commands::FileRequest m_file;
    commands::MendRequest m_mend;
    commands::WatchCheckRequest m_watch;
    int m_result = 0;
};

CommandLine::CommandLine()
{
    m_app.set_version_flag("--version", app::versionText("portoland"));
    m_app.require_subcommand(1);
    m_app.fallthrough(false);
    addServe();
    addStatus();
    addUsers();
    addTokens();
    add(m_app, "migrate", "Bring the database's schema up to date", commands::migrateDatabase);
    addFiles();
    add(m_app, "mend", "Keep a copy of the private Redis' damaged files, and mend them",
        [this](const SettingSources &sources) { return commands::mend(sources, m_mend); })
        ->add_flag("--empty", m_mend.empty, "Move them aside instead: the portal starts without them");
    addCheck();
}

CLI::App *CommandLine::add(CLI::App &parent, const char *name, const char *about, Work work, Which which)
{
    auto *sub = parent.add_subcommand(name, about);
    m_settings.addTo(*sub, which);
    sub->callback([this, work = std::move(work)] { m_result = work(m_settings.sources()); });
    return sub;
}

void CommandLine::addServe()
{
    const auto work = [this](const SettingSources &sources) {
        commands::ServeRequest request;
        if (m_demo)
            request.company = [](const server::PortalServer &portal) {
                return std::make_shared<showcase::Demonstration>(portal.services(), portal.url());
            };
        return commands::serve(m_demo ? app::demoSources(m_settings) : sources, request);
    };
    add(m_app, "serve", "Serve a portal", work, Which::All)->add_flag("--demo", m_demo, app::demoDescription);
}

void CommandLine::addStatus()
{
    auto *command = add(m_app, "status", "Zones of a running portal", [this](const SettingSources &sources) {
        return commands::status(m_demo ? app::demoSources(m_settings) : sources, m_status);
    });
    auto *url = command
                    ->add_option("--url", m_status.url,
                                 "A portal elsewhere, with the token in PORTAL_TOKEN; without it the one of --data-dir")
                    ->type_name("URL");
    command->add_flag("--demo", m_demo, "Of the portal of serve --demo")->excludes(url);
    command->get_option("--data-dir")->excludes(url); // it would be passed over
    command->add_flag("--watch", m_status.watch, "Again every second");
    command->add_option("--heading", m_status.heading, "A line above the zones, such as where the portal is")
        ->type_name("TEXT");
    command->add_flag("--json", m_status.json, "The whole snapshot as JSON");
}

void CommandLine::addUsers()
{
    auto *user = m_app.add_subcommand("user", "Accounts");
    user->require_subcommand(1);
    const auto command = [this, user](const char *name, const char *about, auto work) {
        auto *sub = add(*user, name, about, [this, work](const SettingSources &s) { return work(s, m_user); });
        sub->add_option("email", m_user.email, "E-mail address")->required()->type_name("EMAIL");
        return sub;
    };
    command("add", "Add an account; its password is asked for, or piped in", commands::addUser)
        ->add_option("--role", m_user.role, "user, operator or admin")
        ->type_name("ROLE")
        ->default_val("user");
    command("disable", "Keep an account from signing in, and sign it out", commands::disableUser);
    command("enable", "Let a disabled account sign in again", commands::enableUser);
    command("role", "Make an account a user, an operator or an admin, and sign it out", commands::setRole)
        ->add_option("role", m_user.role, "user, operator or admin")
        ->required()
        ->type_name("ROLE");
    command("passwd", "Set a password, asked for or piped in, and sign the account out", commands::setPassword);
    add(*user, "list", "List accounts", commands::listUsers);
}

void CommandLine::addTokens()
{
    auto *token = m_app.add_subcommand("token", "Tokens for consoles and scripts, which open /api/admin");
    token->require_subcommand(1);
    const auto command = [this, token](const char *name, const char *about, auto work) {
        auto *sub = add(*token, name, about, [this, work](const SettingSources &s) { return work(s, m_token); });
        sub->add_option("name", m_token.name, "1 to 64 of a-z, 0-9, '.', '_' and '-'")->required()->type_name("NAME");
        return sub;
    };
    auto *made = command("add", "Make a token; it is printed, and kept nowhere else", commands::addToken);
    made->add_option("--role", m_token.role, "operator or admin")->required()->type_name("ROLE");
    made->add_option("--expires", m_token.expires, "How long it is good for, such as 90d; without it for ever")
        ->type_name("DURATION");
    command("revoke", "End a token; within ten seconds no instance takes it any more", commands::revokeToken);
    add(*token, "list", "List tokens", commands::listTokens);
}

void CommandLine::addFiles()
{
    const auto command = [this](const char *name, const char *about, auto work) {
        auto *sub = add(m_app, name, about, [this, work](const SettingSources &s) { return work(s, m_file); });
        sub->add_option("file", m_file.file, "File")->required()->type_name("FILE");
        sub->add_flag("--force", m_file.force, "Replace what is there");
    };
    command("backup", "Copy the whole database into a file", commands::backupDatabase);
    command("restore", "Put a backup back", commands::restoreDatabase);
}

void CommandLine::addCheck()
{
    const auto work = [this](const SettingSources &sources) {
        return m_watch.keys || !m_watch.file.empty() ? commands::checkWatchFile(m_watch)
                                                     : commands::checkConfig(sources);
    };
    auto *command =
        add(m_app, "check-config", "Every setting with its effective value and where it comes from", work, Which::All);
    const auto settings = command->get_options();
    auto *file = command->add_option("--watch", m_watch.file,
                                     "Instead: what the file of a watched deployment says, and what is wrong with it");
    auto *keys = command->add_flag("--watch-keys", m_watch.keys, "Instead: every key of such a file, with its meaning");
    file->type_name("FILE.toml")->excludes(keys);
    for (auto *setting : settings) { // they would be passed over
        if (setting == command->get_help_ptr())
            continue;
        file->excludes(setting);
        keys->excludes(setting);
    }
}

int CommandLine::run(int argc, char **argv)
{
    auto arguments = givenArguments(argc, argv);
    if (!arguments.empty() && arguments.front() == "help") { // of a command, or of all
        arguments.erase(arguments.begin());
        if (const auto unknown = app::unknownCommand(m_app, arguments)) {
            std::cerr << "portoland: " << *unknown << '\n';
            return 2;
        }
        arguments.emplace_back("--help");
    }
    try {
        app::parse(m_app, arguments);
    } catch (const CLI::Success &asked) {
        return m_app.exit(asked);
    } catch (const CLI::ParseError &wrong) {
        std::cerr << "portoland: " << app::usageError(m_app, arguments, wrong) << '\n';
        return 2;
    }
    return m_result;
}

} // namespace

int main(int argc, char **argv)
{
    app::openStandardStreams();
    QCoreApplication application(argc, argv); // Qt Sql finds its drivers through it
    useWireNumbers();
    return CommandLine().run(argc, argv);
}
