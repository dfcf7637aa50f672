#include "core/base/settings.h"
#include "core/server/commands.h"

#include <CLI/CLI.hpp>

#include <QCoreApplication>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace portolan;
namespace server = portolan::server;

/// Every command takes the same settings: the options of the schema, --config and --set.
struct SettingOptions
{
    std::vector<std::pair<std::string, std::string>> values;
    std::string configFile;

    void addTo(CLI::App &command)
    {
        command.add_option("--config", configFile, "Settings as a TOML file")->type_name("FILE");
        command
            .add_option_function<std::vector<std::string>>(
                "--set",
                [this](const std::vector<std::string> &pairs) {
                    for (const auto &pair : pairs) {
                        const auto equals = pair.find('=');
                        if (equals == std::string::npos || equals == 0)
                            throw CLI::ValidationError("--set", "'" + pair + "' is not KEY=VALUE");
                        values.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
                    }
                },
                "Any setting, as check-config lists them")
            ->type_name("KEY=VALUE")
            ->allow_extra_args(false);
        for (const auto &spec : settingSchema()) {
            if (spec.option.empty())
                continue;
            const std::string key(spec.key);
            if (spec.type == ValueType::Boolean) {
                command.add_flag_callback(
                    std::string(spec.option), [this, key] { values.emplace_back(key, "true"); },
                    std::string(spec.description));
            } else {
                command
                    .add_option_function<std::string>(
                        std::string(spec.option),
                        [this, key](const std::string &text) { values.emplace_back(key, text); },
                        std::string(spec.description))
                    ->type_name("");
            }
        }
    }

    SettingSources sources() const
    {
        SettingSources result;
        result.commandLine = values;
        result.environment = processEnvironment;
        if (!configFile.empty())
            result.configFile = configFile;
        return result;
    }
};

int run(int argc, char **argv)
{
    CLI::App app("A small web portal and its server: accounts, limits, a task queue and stock analysis.", "portoland");
    app.set_version_flag("--version", std::string("portoland ") + server::version());
    app.require_subcommand(1);
    app.fallthrough(false);
    SettingOptions settings;
    int status = 0;
    const auto command = [&](CLI::App &parent, const char *name, const char *about,
                             std::function<int(const SettingSources &)> work) {
        auto *sub = parent.add_subcommand(name, about);
        settings.addTo(*sub);
        sub->callback([&status, &settings, work = std::move(work)] { status = work(settings.sources()); });
        return sub;
    };

    command(app, "serve", "Serve a portal", server::serve);

    server::StatusRequest statusRequest;
    auto *statusCommand = command(app, "status", "Zones of a running portal", [&](const SettingSources &sources) {
        return server::status(sources, statusRequest);
    });
    statusCommand->add_option("--url", statusRequest.url,
                              "A portal elsewhere, with the token in PORTAL_TOKEN; without it the one of --data-dir");
    statusCommand->add_flag("--watch", statusRequest.watch, "Again every second");
    statusCommand->add_flag("--json", statusRequest.json, "The whole snapshot as JSON");

    auto *user = app.add_subcommand("user", "Accounts");
    user->require_subcommand(1);
    server::UserRequest userRequest;
    const auto userCommand = [&](const char *name, const char *about, auto work) {
        auto *sub = command(*user, name, about, [&, work](const SettingSources &s) { return work(s, userRequest); });
        sub->add_option("email", userRequest.email, "E-mail address")->required()->type_name("EMAIL");
        return sub;
    };
    userCommand("add", "Add an account; its password is read from standard input", server::addUser)
        ->add_option("--role", userRequest.role, "user, operator or admin")
        ->type_name("ROLE")
        ->default_val("user");
    userCommand("disable", "Keep an account from signing in, and sign it out", server::disableUser);
    userCommand("passwd", "Set a password, read from standard input, and sign the account out", server::setPassword);
    command(*user, "list", "List accounts", server::listUsers);

    command(app, "migrate", "Bring the database's schema up to date", server::migrateDatabase);
    server::FileRequest fileRequest;
    const auto fileCommand = [&](const char *name, const char *about, auto work) {
        auto *sub = command(app, name, about, [&, work](const SettingSources &s) { return work(s, fileRequest); });
        sub->add_option("file", fileRequest.file, "File")->required()->type_name("FILE");
        sub->add_flag("--force", fileRequest.force, "Replace what is there");
    };
    fileCommand("backup", "Copy the whole database into a file", server::backupDatabase);
    fileCommand("restore", "Put a backup back", server::restoreDatabase);
    command(app, "check-config", "Every setting with its effective value and where it comes from", server::checkConfig);

    try {
        app.parse(argc, argv);
    } catch (const CLI::Success &asked) {
        return app.exit(asked);
    } catch (const CLI::ParseError &wrong) {
        std::cerr << "portoland: " << wrong.what() << " (see portoland --help)\n";
        return 2;
    }
    return status;
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv); // Qt Sql finds its drivers through it
    return run(argc, argv);
}
