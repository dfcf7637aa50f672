// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/local_page.h"

#include "ui/support/action_button.h"
#include "ui/support/format.h"
#include "ui/support/local_choices.h"
#include "ui/support/url_password.h"
#include "ui/widgets/button_row.h"
#include "ui/widgets/card.h"
#include "ui/widgets/flat_button.h"
#include "ui/widgets/menu_button.h"
#include "ui/widgets/problem_label.h"
#include "ui/widgets/table_view.h"
#include "ui/widgets/url_line.h"
#include "ui/widgets/zone_badge.h"
#include "ui/words/link_words.h"

#include <QAbstractItemView>
#include <QScrollBar>
#include <QStyledItemDelegate>
#include <algorithm>

namespace portolan::ui {

namespace {

/// Lines of a level and the worse ones.
class LevelProxy final : public QSortFilterProxyModel
{
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;
    void setLeast(int level)
    {
        m_least = level;
        invalidateRowsFilter();
    }

protected:
    bool filterAcceptsRow(int row, const QModelIndex &parent) const override
    {
        return sourceModel()->index(row, 0, parent).data(LogModel::LevelRole).toInt() >= m_least;
    }

private:
    int m_least = int(LogLine::Level::Info);
};

/// A tier in the list: its name, and what distinguishes it from the next.
class TierDelegate final : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

protected:
    void initStyleOption(QStyleOptionViewItem *option, const QModelIndex &index) const override
    {
        QStyledItemDelegate::initStyleOption(option, index);
        option->text = index.data(Qt::AccessibleTextRole).toString();
    }
};

struct StateLook
{
    Zone zone;
    QString words;
};

StateLook lookOf(LocalStack::State state)
{
    switch (state) {
    case LocalStack::State::Stopped:
        return {Zone::Unknown, LocalPage::tr("stopped")};
    case LocalStack::State::Starting:
        return {Zone::Yellow, LocalPage::tr("starting")};
    case LocalStack::State::Running:
        return {Zone::Green, LocalPage::tr("running")};
    case LocalStack::State::Stopping:
        return {Zone::Yellow, LocalPage::tr("stopping")};
    }
    return {};
}

/// A process that runs is no portal that works: what it needs may be away.
StateLook lookOf(LocalStack &stack)
{
    const StateLook look = lookOf(stack.state());
    const auto snapshot = stack.deployment().latest();
    if (stack.state() != LocalStack::State::Running || !snapshot)
        return look;
    if (stack.deployment().link() == LinkState::Lost)
        return {Zone::Red, LocalPage::tr("running, but the link is lost")};
    const auto down = std::ranges::find(snapshot->links, std::optional(false), &LinkStatus::up);
    return down == snapshot->links.end()
               ? look
               : StateLook{Zone::Red, LocalPage::tr("running, but %1").arg(silentText(*down))};
}

/// What people share in it: "30 MB of Redis, 2 tasks at once". Empty where its file could not be read.
QString figuresOf(const LocalStack::TierChoice &tier)
{
    if (tier.redisMemory == 0)
        return {};
    const QString tasks =
        tier.concurrency == 1 ? LocalPage::tr("1 task") : LocalPage::tr("%1 tasks").arg(countText(tier.concurrency));
    return LocalPage::tr("%1 of Redis, %2 at once").arg(sizeLimitText(double(tier.redisMemory)), tasks);
}

} // namespace

LocalPage::LocalPage(const PageContext &context, QWidget *parent)
    : Page(context, parent), m_levels(new LevelProxy(this))
{
    addCommands();
    auto *row = new QHBoxLayout;
    row->setSpacing(12);
    addForm(*row);
    body()->addLayout(row);
    addLog();
    connect(&this->context().shown, &Shown::stackChanged, this, &LocalPage::showState);
    connect(&this->context().shown, &Shown::logged, this, &LocalPage::take);
    showState();
}

void LocalPage::addCommands()
{
    const auto command = [this](const QString &text, const QString &icon, const char *keys, auto make) {
        return addCommand(
            text, icon, QKeySequence(keys), [this, make] { begin(settings(), StackCommand(make())); },
            [this, make] { return context().gate.allowed(StackCommand(make())); });
    };
    command(tr("Start"), "play", "Ctrl+Shift+S", [this] { return StartStack{settings()}; });
    makeDestructive(*command(tr("Stop"), "stop", "Ctrl+Shift+T", [] { return StopStack{}; }));
    makeDisruptive(*command(tr("Restart"), "restart", "Ctrl+Shift+R", [this] { return RestartStack{settings()}; }));
    command(tr("Seed"), "seed", "Ctrl+Shift+E", [] { return SeedStack{}; });
    command(tr("Seed with an admin"), "seed", "", [] { return SeedStack{.privileged = true}; });
    makeDestructive(*command(tr("Remove seed"), "revoke", "", [] { return UnseedStack{}; }));
    m_seeding = commands().last(3);
    makeDestructive(*command(tr("Reset"), "reset", "Ctrl+Shift+Del", [] { return ResetStack{}; }));
    command(tr("Mend and start"), "restart", "Ctrl+Shift+M", [] { return MendStack{false}; });
    m_mend = commands().last();
    command(tr("Start without it"), "play", "Ctrl+Shift+N", [] { return MendStack{true}; });
    m_mendEmpty = commands().last();
    addCommand(
        tr("Open in the browser"), "browser", QKeySequence("Ctrl+B"), [this] { openInBrowser(url()); },
        [this] { return url().isEmpty() ? allowanceOf({.why = WhyNot::NotRunning}) : Allowance{}; });
}

QString LocalPage::url() const
{
    LocalStack *stack = context().shown.stack();
    return stack ? text(stack->deployment().info().url) : QString();
}

void LocalPage::openInBrowser(const QString &url)
{
    // The address stands first: where the line is too short for the sentence, its end is cut.
    if (!url.isEmpty() && !context().openUrl(QUrl(url)))
        context().tell(tr("%1 – open this in a browser yourself: none could be started here.").arg(url), false);
}

/// What the portal was started with, when it runs, is what the next start begins with.
void LocalPage::begin(const LocalStackSettings &chosen, const StackCommand &command)
{
    const bool starts = std::holds_alternative<StartStack>(command) || std::holds_alternative<RestartStack>(command);
    if (!starts || !context().rememberChoices)
        return context().gate.run(command);
    if (const LocalStack *stack = context().shown.stack(); stack && !*m_before)
        *m_before = stack->settings();
    // The window may show another deployment when it has started, and this page be gone.
    context().gate.run(command, [&settings = context().settings, before = m_before, chosen](bool worked) {
        if (worked && *before)
            rememberChoices(settings, *std::exchange(*before, std::nullopt), chosen);
    });
}

template <class Line> Line *LocalPage::addLine(QFormLayout &form, const QString &label, const QString &placeholder)
{
    auto *line = new Line;
    line->setPlaceholderText(placeholder);
    line->setAccessibleName(QString(label).remove('&'));
    line->setEnabled(!context().gate.readOnly());
    form.addRow(label, line);
    return line;
}

void LocalPage::addForm(QHBoxLayout &row)
{
    auto *card = new Card(tr("Local portal"));
    m_state = new ZoneBadge;
    card->head()->addWidget(m_state);
    auto *halves = new QHBoxLayout;
    halves->setSpacing(24);
    auto *left = new QFormLayout;
    auto *right = new QFormLayout;
    for (QFormLayout *form : {left, right}) {
        form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
        form->setVerticalSpacing(8);
        halves->addLayout(form, 1);
        halves->setAlignment(form, Qt::AlignTop);
    }
    m_tier = new QComboBox;
    m_tier->setEditable(true);
    m_tier->setAccessibleName(tr("Tier"));
    m_tier->setToolTip(tr("A built-in tier, or a file"));
    m_tier->setEnabled(!context().gate.readOnly());
    left->addRow(tr("T&ier"), m_tier);
    m_listen = addLine(*left, tr("&Listen"), "127.0.0.1:8080");
    m_directory = addLine(*left, tr("&Data directory"), {});
    m_redis = addLine<UrlLine>(*right, tr("&Redis"), tr("a private redis-server"));
    m_database = addLine<UrlLine>(*right, tr("Data&base"), tr("SQLite in the data directory"));
    card->body()->addLayout(halves);
    m_tierTitle = mutedLabel();
    m_tierTitle->setAccessibleName(tr("What the tier is for"));
    m_tierTitle->setMinimumHeight(m_tier->sizeHint().height()); // beside it, so that both halves stand in lines
    right->insertRow(0, m_tierTitle);
    if (const LocalStack *stack = context().shown.stack())
        fillForm(*stack);
    const auto showTier = [this] {
        const int known = m_tier->findText(m_tier->currentText().trimmed());
        m_tierTitle->setText(known < 0 ? tr("a file with the tier's keys") : m_tier->itemData(known).toString());
    };
    connect(m_tier, &QComboBox::currentTextChanged, this, showTier);
    showTier();
    for (const UrlLine *line : {m_redis, m_database})
        connect(line, &QLineEdit::textChanged, this, &LocalPage::showNote);
    auto *buttons = new ButtonRow;
    for (QAction *command : commands()) {
        if (command == m_seeding.front())
            buttons->addWidget(menuButton(tr("Made-up data"), "seed", m_seeding, this));
        if (command != m_mend && command != m_mendEmpty && !m_seeding.contains(command))
            buttons->addWidget(buttonOf(command));
    }
    card->body()->addWidget(buttons);
    addReason(*card);
    showNote();
    row.addWidget(card);
}

void LocalPage::fillForm(const LocalStack &stack)
{
    const LocalStackSettings &present = stack.settings();
    for (const LocalStack::TierChoice &tier : stack.tiers()) {
        m_tier->addItem(text(tier.name), text(tier.title));
        const int row = m_tier->count() - 1;
        m_tier->setItemData(row, text(tier.title), Qt::ToolTipRole);
        const QString title = text(tier.title); // begins with the name, as a title of its own
        const QString people = title.contains(": ") ? title.section(": ", 1) : title;
        const QString figures = figuresOf(tier);
        m_tier->setItemData(row,
                            figures.isEmpty() ? tr("%1  –  %2").arg(text(tier.name), people)
                                              : tr("%1  –  %2; %3").arg(text(tier.name), people, figures),
                            Qt::AccessibleTextRole);
    }
    m_tier->view()->setItemDelegate(new TierDelegate(m_tier));
    m_tier->view()->setMinimumWidth(m_tier->view()->sizeHintForColumn(0) + 24); // its bar and its frame
    m_tier->setCurrentText(text(present.tier));
    m_listen->setText(text(present.listen));
    m_redis->setUrl(text(present.redisUrl));
    m_database->setUrl(text(present.databaseUrl));
    m_directory->setText(text(present.dataDirectory));
    m_directory->setPlaceholderText(text(stack.dataDirectory()));
}

/// Below all that can be typed or clicked, where there is room for a sentence anyway: nothing moves when one comes.
void LocalPage::addReason(Card &card)
{
    m_note = mutedLabel();
    m_note->setWordWrap(true);
    m_problem = new ProblemLabel;
    const QMargins around = m_problem->contentsMargins();
    auto *place = new QWidget;
    place->setMinimumHeight(2 * fontMetrics().lineSpacing() + around.top() + around.bottom());
    auto *lines = new QVBoxLayout(place);
    lines->setContentsMargins(0, 0, 0, 0);
    for (QLabel *label : std::initializer_list<QLabel *>{m_note, m_problem})
        lines->addWidget(label, 0, Qt::AlignTop);
    card.body()->addWidget(place);
    // Only where something is to be mended: under the sentence that says so.
    m_mending = new QWidget;
    auto *ways = new QHBoxLayout(m_mending);
    ways->setContentsMargins(0, 0, 0, 0);
    for (QAction *command : {m_mend, m_mendEmpty})
        ways->addWidget(buttonOf(command));
    ways->addStretch();
    m_mending->hide();
    card.body()->addWidget(m_mending);
}

void LocalPage::addLog()
{
    auto *card = new Card(tr("Log"));
    m_level = new QComboBox;
    m_level->setAccessibleName(tr("Least level"));
    for (const auto level :
         {LogLine::Level::Debug, LogLine::Level::Info, LogLine::Level::Warning, LogLine::Level::Error})
        m_level->addItem(tr("from %1").arg(levelWord(level)), int(level));
    m_level->setCurrentIndex(int(LogLine::Level::Info));
    m_filter = new QLineEdit;
    m_filter->setPlaceholderText(tr("Filter (Ctrl+F)"));
    m_filter->setAccessibleName(tr("Filter the log"));
    m_filter->setClearButtonEnabled(true);
    card->head()->addWidget(m_level);
    card->head()->addWidget(m_filter);
    m_levels->setSourceModel(&m_log);
    m_logView = new TableView(*m_levels, tr("Log"), tr("No line was logged yet"));
    m_logView->setRowsShown(5);
    card->body()->addWidget(m_logView, 1);
    m_whole = new QPlainTextEdit;
    m_whole->setReadOnly(true);
    m_whole->setFrameShape(QFrame::NoFrame);
    m_whole->setTabChangesFocus(true);
    m_whole->setAccessibleName(tr("The selected lines, whole"));
    m_whole->setPlaceholderText(tr("Select a line to read all of it; Ctrl+C copies it"));
    m_whole->setFixedHeight(fontMetrics().lineSpacing() * 3 + 12);
    card->body()->addWidget(m_whole);
    connect(m_logView, &TableView::selected, this, &LocalPage::showWhole);
    body()->addWidget(card, 1);
    connect(m_filter, &QLineEdit::textChanged, m_logView, &TableView::setFilter);
    connect(m_level, &QComboBox::currentIndexChanged, this,
            [this](int level) { static_cast<LevelProxy *>(m_levels)->setLeast(level); });
}

LocalStackSettings LocalPage::settings() const
{
    const auto of = [](const QLineEdit *line) { return line->text().trimmed().toStdString(); };
    LocalStackSettings chosen;
    // Before the form is there, and where it is empty, the built-in choice counts.
    if (!m_directory)
        return chosen;
    if (const QString tier = m_tier->currentText().trimmed(); !tier.isEmpty())
        chosen.tier = tier.toStdString();
    if (!of(m_listen).empty())
        chosen.listen = of(m_listen);
    chosen.redisUrl = m_redis->url().toStdString();
    chosen.databaseUrl = m_database->url().toStdString();
    chosen.dataDirectory = of(m_directory);
    return chosen;
}

void LocalPage::showWhole()
{
    constexpr int most = 100; // lines
    QStringList lines;
    for (const int row : m_logView->selectedSourceRows().mid(0, most))
        lines << m_levels->index(row, LogModel::Message).data().toString();
    if (const QString whole = lines.join('\n'); whole != m_whole->toPlainText())
        m_whole->setPlainText(whole);
}

void LocalPage::showNote()
{
    const bool secret = hasPassword(m_redis->url()) || hasPassword(m_database->url());
    m_note->setText(!context().rememberChoices
                        ? tr("Changes here count from the next start or restart, until the window is closed.")
                    : secret
                        ? tr("Changes here count from the next start or restart, and are remembered, but for a URL "
                             "with a password: name it in REDIS_URL or DATABASE_URL.")
                        : tr("Changes here count from the next start or restart, and are remembered."));
}

void LocalPage::showLook()
{
    LocalStack *stack = context().shown.stack();
    const StateLook look = stack ? lookOf(*stack) : StateLook{Zone::Unknown, tr("none on this machine")};
    m_state->setZone(look.zone, look.words);
}

void LocalPage::showState()
{
    showLook();
    const LocalStack *stack = context().shown.stack();
    const auto problem = stack ? stack->problem() : std::nullopt;
    m_problem->setProblem(problem ? errorText(*problem) : QString());
    m_note->setVisible(!problem);
    m_mending->setVisible(problem && mends(MendStack{true}, *problem));
    updateCommands();
}

void LocalPage::take(const std::vector<LogLine> &lines)
{
    // Follows the end unless somebody has scrolled away from it.
    const QScrollBar *bar = m_logView->verticalScrollBar();
    const bool atEnd = bar->value() >= bar->maximum() - 4;
    m_log.append(lines);
    if (atEnd)
        m_logView->scrollToBottom();
}

void LocalPage::continueFrom(const LocalPage &before)
{
    m_before = before.m_before;
    m_tier->setCurrentText(before.m_tier->currentText());
    m_listen->setText(before.m_listen->text());
    m_directory->setText(before.m_directory->text());
    m_redis->setUrl(before.m_redis->url());
    m_database->setUrl(before.m_database->url());
    take(before.m_log.lines());
}

void LocalPage::showSnapshot(const Snapshot &) { showLook(); }

void LocalPage::refresh() { showState(); }

} // namespace portolan::ui
