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
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace portolan;

int run(int argc, char **argv)
{
    CLI::App app("A small web portal and its server: accounts, limits, a task queue and stock analysis.", "portoland");
    app.set_version_flag("--version", app::versionText("portoland"));
    app.require_subcommand(1);
    app.fallthrough(false);
    app::SettingOptions settings;
    int status = 0;
    using Which = app::SettingOptions::Which;
    const auto command = [&](CLI::App &parent, const char *name, const char *about,
                             std::function<int(const SettingSources &)> work, Which which = Which::Common) {
        auto *sub = parent.add_subcommand(name, about);
        settings.addTo(*sub, which);
        sub->callback([&status, &settings, work = std::move(work)] { status = work(settings.sources()); });
        return sub;
    };

    bool withDemo = false;
    auto *serve = command(
        app, "serve", "Serve a portal",
        [&](const SettingSources &sources) {
            commands::ServeRequest request;
            if (withDemo)
                request.company = [](const server::PortalServer &portal) {
                    return std::make_shared<showcase::Demonstration>(portal.services(), portal.url());
                };
            return commands::serve(withDemo ? app::demoSources(settings) : sources, request);
        },
        Which::All);
    serve->add_flag("--demo", withDemo, app::demoDescription);

    bool ofDemo = false;
    commands::StatusRequest statusRequest;
    auto *statusCommand = command(app, "status", "Zones of a running portal", [&](const SettingSources &sources) {
        return commands::status(ofDemo ? app::demoSources(settings) : sources, statusRequest);
    });
    auto *url = statusCommand
                    ->add_option("--url", statusRequest.url,
                                 "A portal elsewhere, with the token in PORTAL_TOKEN; without it the one of --data-dir")
                    ->type_name("URL");
    statusCommand->add_flag("--demo", ofDemo, "Of the portal of serve --demo")->excludes(url);
    statusCommand->get_option("--data-dir")->excludes(url); // it would be passed over
    statusCommand->add_flag("--watch", statusRequest.watch, "Again every second");
    statusCommand->add_option("--heading", statusRequest.heading, "A line above the zones, such as where the portal is")
        ->type_name("TEXT");
    statusCommand->add_flag("--json", statusRequest.json, "The whole snapshot as JSON");

    auto *user = app.add_subcommand("user", "Accounts");
    user->require_subcommand(1);
    commands::UserRequest userRequest;
    const auto userCommand = [&](const char *name, const char *about, auto work) {
        auto *sub = command(*user, name, about, [&, work](const SettingSources &s) { return work(s, userRequest); });
        sub->add_option("email", userRequest.email, "E-mail address")->required()->type_name("EMAIL");
        return sub;
    };
    userCommand("add", "Add an account; its password is asked for, or piped in", commands::addUser)
        ->add_option("--role", userRequest.role, "user, operator or admin")
        ->type_name("ROLE")
        ->default_val("user");
    userCommand("disable", "Keep an account from signing in, and sign it out", commands::disableUser);
    userCommand("enable", "Let a disabled account sign in again", commands::enableUser);
    userCommand("role", "Make an account a user, an operator or an admin, and sign it out", commands::setRole)
        ->add_option("role", userRequest.role, "user, operator or admin")
        ->required()
        ->type_name("ROLE");
    userCommand("passwd", "Set a password, asked for or piped in, and sign the account out", commands::setPassword);
    command(*user, "list", "List accounts", commands::listUsers);

    command(app, "migrate", "Bring the database's schema up to date", commands::migrateDatabase);
    commands::FileRequest fileRequest;
    const auto fileCommand = [&](const char *name, const char *about, auto work) {
        auto *sub = command(app, name, about, [&, work](const SettingSources &s) { return work(s, fileRequest); });
        sub->add_option("file", fileRequest.file, "File")->required()->type_name("FILE");
        sub->add_flag("--force", fileRequest.force, "Replace what is there");
    };
    fileCommand("backup", "Copy the whole database into a file", commands::backupDatabase);
    fileCommand("restore", "Put a backup back", commands::restoreDatabase);
    commands::MendRequest mendRequest;
    command(app, "mend", "Keep a copy of the private Redis' damaged files, and mend them",
            [&](const SettingSources &sources) { return commands::mend(sources, mendRequest); })
        ->add_flag("--empty", mendRequest.empty, "Move them aside instead: the portal starts without them");
    command(app, "check-config", "Every setting with its effective value and where it comes from",
            commands::checkConfig, Which::All);

    auto arguments = givenArguments(argc, argv);
    if (!arguments.empty() && arguments.front() == "help") { // of a command, or of all
        arguments.erase(arguments.begin());
        if (const auto unknown = app::unknownCommand(app, arguments)) {
            std::cerr << "portoland: " << *unknown << '\n';
            return 2;
        }
        arguments.emplace_back("--help");
    }
    try {
        app::parse(app, arguments);
    } catch (const CLI::Success &asked) {
        return app.exit(asked);
    } catch (const CLI::ParseError &wrong) {
        std::cerr << "portoland: " << app::usageError(app, arguments, wrong) << '\n';
        return 2;
    }
    return status;
}

} // namespace

int main(int argc, char **argv)
{
    app::openStandardStreams();
    QCoreApplication application(argc, argv); // Qt Sql finds its drivers through it
    useWireNumbers();
    return run(argc, argv);
}
