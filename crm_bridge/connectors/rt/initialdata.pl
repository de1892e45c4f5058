# What hotline 1203 needs in Request Tracker 5: a queue, a user for it with no more rights than it
# uses, and its custom fields. Read once, on the machine of RT, by RT's own tool:
#
#     rt-setup-database --action insert --skip-create --datafile initialdata.pl
#
# Where the tickets shall come into a queue that is there already, put its name here.
my $queue = 'Hotline 1203';

@Queues = ( {
    Name        => $queue,
    Description => 'สายด่วน 1203 กระทรวงพาณิชย์ (Ministry of Commerce hotline)',
} );

@Groups = (
    { Name => 'Hotline 1203 bridge', Description => 'What the bridge of hotline 1203 may do' },
    {   Name        => 'Hotline 1203 staff',
        Description => 'Who sees in RT what came from hotline 1203',
    },
);

# It logs in with a token only: no password, no e-mail address.
@Users = ( {
    Name       => 'hotline1203',
    RealName   => 'Hotline 1203 (bridge)',
    Privileged => 1,
    MemberOf   => ['Hotline 1203 bridge'],
} );

# The names are those of the mapping. No officer may write them: what is cloned from a ticket of
# ours must not bear our key.
my @on_tickets = (
    [ 'Hotline Key',     'Which call or case of hotline 1203 this ticket is' ],
    [ 'Hotline Number',  'The caller, tel:+66…' ],
    [ 'Hotline Service', 'The service, or a case\'s subject' ],
    [ 'Hotline Outcome', 'How the call came out, or where the case stands' ],
    [ 'Hotline Officer', 'Who spoke, or whose case it is' ],
    [ 'Hotline Times',   'How long the caller waited and was spoken to' ],
    [ 'Hotline Link',    'The call or case at hotline 1203' ],
);
my @on_users = (
    [ 'Hotline Key',   'Whom at hotline 1203 this person is', 'FreeformSingle' ],
    [ 'Hotline Phone', 'Telephone numbers, tel:+66…, one each', 'FreeformMultiple' ],
);

@CustomFields = (
    (   map { {
            Name        => $_->[0],
            Description => $_->[1],
            Type        => 'FreeformSingle',
            LookupType  => 'RT::Queue-RT::Ticket',
            ApplyTo     => $queue,
            ( $_->[0] eq 'Hotline Link' ? ( LinkValueTo => '__CustomField__' ) : () ),
        } } @on_tickets
    ),
    (   map { {
            Name        => $_->[0],
            Description => $_->[1],
            Type        => $_->[2],
            LookupType  => 'RT::User',
        } } @on_users
    ),
);

sub rights {
    my ( $group, $right, %where ) = @_;
    return {
        GroupDomain => 'UserDefined', GroupId => $group, Right => $right, %where,
    };
}

my @fields = (
    ( map { [ CF => $_->[0], LookupType => 'RT::Queue-RT::Ticket', Queue => $queue ] } @on_tickets ),
    ( map { [ CF => $_->[0], LookupType => 'RT::User' ] } @on_users ),
);

@ACL = (
    (   map { rights( 'Hotline 1203 bridge', $_, Queue => $queue ) }
            qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket CommentOnTicket
            DeleteTicket)
    ),
    # RT has no smaller right to make and change the people who call; see the documentation.
    ( map { rights( 'Hotline 1203 bridge', $_ ) } qw(AdminUsers) ),
    (   map {
            my @field = @$_;
            ( map { rights( 'Hotline 1203 bridge', $_, @field ) } qw(SeeCustomField ModifyCustomField) ),
            rights( 'Hotline 1203 staff', 'SeeCustomField', @field ),
        } @fields
    ),
);

1;
